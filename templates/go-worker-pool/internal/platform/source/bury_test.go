package source

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// burials returns what a source, which does not run yet, will have told of the messages that it buries.
func burials(s *Source) *[]error {
	told := new([]error)
	s.OnBury(func(err error) { *told = append(*told, err) })
	return told
}

func TestMessageThatCannotBeBuriedIsTold(t *testing.T) {
	t.Parallel()
	cfg := testConfig(t)
	s := open(t, cfg)
	told := burials(s)
	in := run(t, s)
	publish(t, cfg, numbered(1)...)
	message := in.next(t)
	in.stop(t)
	require.NoError(t, s.Close(t.Context()))
	err := s.buryEndless(t.Context(), message)
	require.Error(t, err)
	require.Len(t, *told, 1)
	require.ErrorIs(t, err, (*told)[0])
	assert.Empty(t, deadLetters(t, cfg.URL, cfg.Name))
}
