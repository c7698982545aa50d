package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// entityTag is one entity tag of a list and the separators after it (RFC 9110, 5.6.1 and 8.8.3).
var entityTag = regexp.MustCompile(`^(W/)?"([^\x00-\x20"\x7f]*)"[ \t]*(?:,[ \t,]*|$)`)

// ifMatch returns the versions that If-Match allows, nil for any, and whether the header was given.
// The comparison is strong: a weak tag matches no version (RFC 9110, 13.1.1).
func ifMatch(header http.Header) (versions []int, given bool, err error) {
	values := header.Values("If-Match")
	if len(values) == 0 {
		return nil, false, nil
	}
	list := strings.Trim(strings.Join(values, ","), " \t,")
	if list == "*" {
		return nil, true, nil
	}
	versions = []int{}
	for {
		tag := entityTag.FindStringSubmatch(list)
		if tag == nil {
			return nil, true, badRequest(`If-Match must be * or entity tags such as "1".`)
		}
		if version, ok := parseVersion(tag[2]); ok && tag[1] == "" {
			versions = append(versions, version)
		}
		list = list[len(tag[0]):]
		if list == "" {
			return versions, true, nil
		}
	}
}

func formatETag(version int) string {
	return `"` + strconv.Itoa(version) + `"`
}

// parseVersion returns the version of which opaque is the tag.
func parseVersion(opaque string) (int, bool) {
	version, err := strconv.ParseInt(opaque, 10, 32)
	return int(version), err == nil && strconv.FormatInt(version, 10) == opaque
}
