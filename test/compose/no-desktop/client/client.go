// Package client stands in for a module that the Go module proxy does not serve. Compose asks it for a session of Docker Desktop before it
// calls a registry, and takes the CLI's own credentials where there is none. In the tests there is never one.
package client

import (
	"time"

	"github.com/docker/secrets-engine/client/dockerhub"
)

// ConnectError says that Docker Desktop cannot be reached.
type ConnectError struct{}

func (*ConnectError) Error() string { return "there is no Docker Desktop here" }

// Client is a connection to Docker Desktop.
type Client struct{}

// Option is a setting of a Client.
type Option func(*Client)

// WithSocketPath would name the socket.
func WithSocketPath(string) Option { return func(*Client) {} }

// WithTimeout would bound each question.
func WithTimeout(time.Duration) Option { return func(*Client) {} }

// New fails as it does where Docker Desktop is not installed.
func New(...Option) (*Client, error) { return nil, &ConnectError{} }

// HubAuth is never called, since there is no Client.
func (*Client) HubAuth(...dockerhub.Option) dockerhub.ClientAuth { return nil }
