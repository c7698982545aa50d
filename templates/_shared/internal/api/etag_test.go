package api

import (
	"math"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"[[ module ]]/internal/platform/httpserver"
)

func TestIfMatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		values []string
		want   []int
	}{
		"one version":        {[]string{`"3"`}, []int{3}},
		"any":                {[]string{`*`}, nil},
		"any, with blanks":   {[]string{" *\t"}, nil},
		"a list":             {[]string{`"1", "22" ,"333"`}, []int{1, 22, 333}},
		"two lines":          {[]string{`"1"`, `"2"`}, []int{1, 2}},
		"empty elements":     {[]string{`, "1",, "2" ,`}, []int{1, 2}},
		"weak":               {[]string{`W/"1"`}, []int{}},
		"weak and strong":    {[]string{`W/"1", "2"`}, []int{2}},
		"not a version":      {[]string{`"abc", ""`}, []int{}},
		"a comma in a tag":   {[]string{`"1,2", "3"`}, []int{3}},
		"an asterisk in one": {[]string{`"*"`}, []int{}},
		"not as we write it": {[]string{`"01", "+1", "1.0", "0x1", "٣"`}, []int{}},
		"largest integer":    {[]string{`"2147483647"`}, []int{math.MaxInt32}},
		"too large":          {[]string{`"2147483648", "99999999999999999999"`}, []int{}},
		"bytes above ASCII":  {[]string{"\"\xff\", \"4\""}, []int{4}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			versions, given, err := ifMatch(http.Header{"If-Match": test.values})
			require.NoError(t, err)
			assert.True(t, given)
			assert.Equal(t, test.want, versions)
		})
	}

	t.Run("absent", func(t *testing.T) {
		t.Parallel()
		_, given, err := ifMatch(http.Header{})
		require.NoError(t, err)
		assert.False(t, given)
	})
}

func TestIfMatchRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"empty":               {""},
		"only separators":     {" , ,"},
		"no quotes":           {`1`},
		"one quote":           {`"1`},
		"no comma":            {`"1" "2"`},
		"any and more":        {`*, "1"`},
		"any on another line": {`"1"`, `*`},
		"lower-case weak":     {`w/"1"`},
		"control character":   {"\"1\x7f\""},
		"blank in a tag":      {`"1 "`},
	}
	for name, values := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, given, err := ifMatch(http.Header{"If-Match": values})
			assert.True(t, given)
			var problem *httpserver.Problem
			require.ErrorAs(t, err, &problem)
			assert.Equal(t, http.StatusBadRequest, problem.Status)
		})
	}
}

// A header that is accepted names versions that format to a tag it contains.
func FuzzIfMatch(f *testing.F) {
	f.Add(`"1"`)
	f.Add(`*`)
	f.Add(`W/"1", "2" ,,"3,4"`)
	f.Add(`"01", "-1", "2147483648"`)
	f.Fuzz(func(t *testing.T, value string) {
		versions, given, err := ifMatch(http.Header{"If-Match": {value}})
		require.True(t, given)
		if err != nil {
			var problem *httpserver.Problem
			require.ErrorAs(t, err, &problem)
			return
		}
		for _, version := range versions {
			require.Contains(t, value, formatETag(version))
		}
	})
}
