package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// brokers says where the brokers are, and how they are spoken to.
type brokers struct {
	addresses []string
	// secure is with TLS, by the certificate authorities of the system or of SSL_CERT_FILE.
	secure bool
	// login is nil where anybody may connect.
	login sasl.Mechanism
}

// CheckURL says what is wrong with the addresses of brokers: host:port, separated by commas, after kafka:// or nothing, and after
// kafka+ssl:// for TLS. A URL can have user:password@ before them, and ?sasl=plain, scram-sha-256 or scram-sha-512 after them, of which
// the last is the default. The error repeats nothing of text, in which there may be a password.
func CheckURL(text string) error {
	_, err := parseBrokers(text)
	return err
}

func parseBrokers(text string) (b brokers, err error) {
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL {
		b.addresses, err = parseAddresses(text)
		return b, err
	}
	b.secure = scheme == "kafka+ssl"
	if !b.secure && scheme != "kafka" {
		return b, errors.New("the URL of brokers begins with kafka:// or kafka+ssl://")
	}
	credentials := ""
	if at := strings.LastIndexByte(rest, '@'); at >= 0 { // as in other URLs, what is before it may have the signs of what follows
		credentials, rest = rest[:at], rest[at+1:]
	}
	rest, query, _ := strings.Cut(rest, "?")
	if b.addresses, err = parseAddresses(rest); err != nil {
		return b, err
	}
	b.login, err = parseLogin(credentials, query, b.secure)
	return b, err
}

func parseAddresses(text string) ([]string, error) {
	var addresses []string
	for address := range strings.SplitSeq(text, ",") {
		address = strings.TrimSpace(address)
		addresses = append(addresses, address)
		host, port, err := net.SplitHostPort(address)
		if err == nil && host != "" && !strings.ContainsAny(host, "@/?# ") {
			if number, err := strconv.ParseUint(port, 10, 16); err == nil && number > 0 {
				continue
			}
		}
		return nil, fmt.Errorf("address %d of the brokers is not host:port", len(addresses))
	}
	return addresses, nil
}

// parseLogin returns nil if there are no credentials.
func parseLogin(credentials, query string, secure bool) (sasl.Mechanism, error) {
	parameters, err := url.ParseQuery(query)
	name := parameters.Get("sasl")
	if len(parameters) > 1 || err != nil || (query != "" && len(parameters["sasl"]) != 1) {
		return nil, errors.New("the only parameter of the URL of brokers is sasl, once")
	}
	if credentials == "" {
		if query != "" {
			return nil, errors.New("sasl in the URL of brokers needs user:password@ before their addresses")
		}
		return nil, nil //nolint:nilnil // anybody may connect
	}
	user, password, _ := strings.Cut(credentials, ":")
	user, wrongUser := url.PathUnescape(user)
	password, wrongPassword := url.PathUnescape(password)
	if wrongUser != nil || wrongPassword != nil {
		return nil, errors.New("user and password in the URL of brokers have to be percent-encoded")
	}
	if user == "" || password == "" {
		return nil, errors.New("the URL of brokers has a user without a password, or a password without a user")
	}
	switch {
	case name == "scram-sha-512", query == "":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism(), nil
	case name == "scram-sha-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism(), nil
	case name == "plain" && secure:
		return plain.Auth{User: user, Pass: password}.AsMechanism(), nil
	case name == "plain":
		return nil, errors.New("sasl=plain sends the password as it is, and needs kafka+ssl://")
	default:
		return nil, errors.New("sasl in the URL of brokers is plain, scram-sha-256 or scram-sha-512")
	}
}

// dial makes connections that end with life: the client itself waits longer for the first answer.
func (b brokers) dial(life context.Context) func(ctx context.Context, network, address string) (net.Conn, error) {
	connect := new(net.Dialer).DialContext
	if b.secure {
		connect = (&tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		defer context.AfterFunc(life, cancel)()
		conn, err := connect(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(life, func() { _ = conn.Close() })
		return conn, nil
	}
}
