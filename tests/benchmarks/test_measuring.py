from benchmarks.measuring import Bound, interleaved, table


def test_a_bound_is_kept_from_its_own_side() -> None:
    at_least, at_most = Bound(0.8, "≥ 0.8", at_least=True), Bound(20, "≤ 20")

    assert [at_least.verdict(figure) for figure in (0.79, 0.8)] == ["≥ 0.8: **missed**", "≥ 0.8: met"]
    assert [at_most.verdict(figure) for figure in (20, 21)] == ["≤ 20: met", "≤ 20: **missed**"]


def test_every_job_has_its_turn_in_every_round_and_the_first_does_not_count() -> None:
    turns: list[str] = []

    def job(name: str) -> int:
        turns.append(name)
        return len(turns)

    assert interleaved({"a": lambda: job("a"), "b": lambda: job("b")}, rounds=2) == {"a": [3, 5], "b": [4, 6]}
    assert turns == ["a", "b", "a", "b", "a", "b"]


def test_a_table_is_markdown() -> None:
    assert table(["what", "figure"], [["one", "1"]]) == "| what | figure |\n| --- | ---: |\n| one | 1 |"
