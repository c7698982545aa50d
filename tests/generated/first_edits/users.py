"""What a newcomer does to the users of a service, whichever way they are served: one more field."""

from tests.generated.first_edits.author import Author

DOMAIN = "internal/user/user.go"
SERVICE = "internal/user/service.go"
POSTGRES = "internal/user/postgres.go"
MEMORY = "internal/user/memory.go"
MEMORY_TEST = "internal/user/memory_test.go"
SERVICE_TEST = "internal/user/service_test.go"


def add_a_phone(author: Author, *, has_database: bool) -> None:
    """Users have a phone number, which may be empty, in the domain and in the store."""
    author.change(DOMAIN, "	Email     string\n", "	Email     string\n	Phone     string\n")
    author.change(DOMAIN, "	Email *string\n", "	Email *string\n	Phone *string\n")
    author.change(
        DOMAIN,
        """	if len(fields) > 0 {
		return Change{}""",
        """	if c.Phone != nil && len(*c.Phone) > 20 {
		fields = append(fields, FieldError{Field: "phone", Detail: "must have at most 20 characters"})
	}
	if len(fields) > 0 {
		return Change{}""",
    )
    author.change(SERVICE, "name, email string)", "name, email, phone string)")
    author.change(SERVICE, "Email: &email}", "Email: &email, Phone: &phone}")
    author.change(SERVICE, "Email: *valid.Email,", "Email: *valid.Email, Phone: *valid.Phone,")
    (_add_a_column if has_database else _keep_in_memory)(author)

    # What the compiler asks for.
    author.change(SERVICE_TEST, '"ada@example.com")\n', '"ada@example.com", "")\n', times=3)
    author.change(SERVICE_TEST, '"Ada@Example.com")\n', '"Ada@Example.com", "")\n')
    author.change(SERVICE_TEST, 'service.Create(t.Context(), "", "")', 'service.Create(t.Context(), "", "", "")')
    author.change(SERVICE_TEST, 'fmt.Sprintf("u%d@example.com", i))', 'fmt.Sprintf("u%d@example.com", i), "")')


def _add_a_column(author: Author) -> None:
    migration = author.succeed("make", "--silent", "migrate-new", "NAME=add_phone")
    author.write(
        migration,
        """-- +goose Up
ALTER TABLE users ADD COLUMN phone text NOT NULL DEFAULT '' CHECK (char_length(phone) <= 20);

-- +goose Down
ALTER TABLE users DROP COLUMN phone;
""",
    )
    author.change(POSTGRES, "id, name, email, version", "id, name, email, phone, version")
    author.change(POSTGRES, "$5, $6)", "$5, $6, $7)")
    author.change(POSTGRES, "u.Email, u.Version", "u.Email, u.Phone, u.Version")
    author.change(POSTGRES, "email = coalesce($4, email)", "email = coalesce($4, email), phone = coalesce($6, phone)")
    author.change(POSTGRES, "change.Email, at)", "change.Email, at, change.Phone)")


def _keep_in_memory(author: Author) -> None:
    author.change(MEMORY_TEST, '"ada@example.com")\n', '"ada@example.com", "")\n')
    author.change(MEMORY_TEST, 'fmt.Sprintf("u%d@example.com", i))', 'fmt.Sprintf("u%d@example.com", i), "")')
    author.change(
        MEMORY,
        """	u.Version++
""",
        """	if change.Phone != nil {
		u.Phone = *change.Phone
	}
	u.Version++
""",
    )
