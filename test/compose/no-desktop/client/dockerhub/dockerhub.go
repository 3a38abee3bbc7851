// Package dockerhub stands in for a module that the Go module proxy does not serve.
package dockerhub

import (
	"context"
	"errors"
	"time"
)

// ErrNoSession says that nobody is signed in.
var ErrNoSession = errors.New("there is no session")

// UserSession is what somebody who is signed in has.
type UserSession struct {
	AccessToken string
	Claims      Claims
}

// Claims are what the session says of itself.
type Claims struct {
	Username  string
	ExpiresAt *ExpiresAt
}

// ExpiresAt is when the session ends.
type ExpiresAt struct{ time.Time }

// Profile is who is signed in.
type Profile struct{ Username string }

// ClientAuth answers who is signed in.
type ClientAuth interface {
	GetDefaultSession(ctx context.Context) (UserSession, error)
	GetDefaultProfile(ctx context.Context) (Profile, error)
}

// Option chooses an environment of Docker Hub.
type Option func()

// Staging chooses the one for tests of its authors.
func Staging() Option { return func() {} }
