// A client or a server on grpc-go that does what lines of JSON on stdin ask; peer-process.ts has their form.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

type options struct {
	Role    string
	Address string
	TLS     *struct{ CA, Certificate, Key string }
	Window  int32
	Streams uint32
}

// Messages are bytes, which mean nothing to the transport.
type rawCodec struct{}

func (rawCodec) Name() string                        { return "proto" }
func (rawCodec) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte{}, data...)
	return nil
}

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

func tell(line any) {
	output.Lock()
	defer output.Unlock()
	check(output.Encode(line))
}

func eachLine(handle func(line []byte)) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		handle(append([]byte{}, lines.Bytes()...))
	}
}

func (o options) credentials() credentials.TransportCredentials {
	if o.TLS == nil {
		return insecure.NewCredentials()
	}
	config := &tls.Config{}
	if o.TLS.CA != "" {
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM([]byte(o.TLS.CA))
		config.RootCAs, config.ClientCAs = pool, pool
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if o.TLS.Certificate != "" {
		pair, err := tls.X509KeyPair([]byte(o.TLS.Certificate), []byte(o.TLS.Key))
		check(err)
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	var given options
	check(json.Unmarshal([]byte(os.Args[1]), &given))
	if given.Role == "server" {
		serve(given)
	} else {
		call(given)
	}
}
