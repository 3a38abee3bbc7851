package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type order struct {
	ID                     int
	Kind, Method           string
	Send                   [][]byte
	Metadata               map[string]string
	Binary                 map[string][]byte
	TimeoutMs, CancelAfter int
	Compress               bool
	InTurn, StaysOpen      bool
	Total, AtOnce, Bytes   int
}

type result struct {
	ID       int               `json:"id"`
	Code     codes.Code        `json:"code"`
	Message  string            `json:"message"`
	Received [][]byte          `json:"received"`
	Trailers map[string]string `json:"trailers"`
	Codes    map[string]int    `json:"codes,omitempty"`
	Unequal  int               `json:"unequal"`
}

var any2any = &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

func call(given options) {
	large := grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20), grpc.ForceCodec(rawCodec{}))
	connection, err := grpc.NewClient("passthrough:///"+given.Address, grpc.WithTransportCredentials(given.credentials()), large)
	check(err)
	eachLine(func(line []byte) {
		var asked order
		check(json.Unmarshal(line, &asked))
		go func() {
			done := result{ID: asked.ID, Received: [][]byte{}, Trailers: map[string]string{}}
			switch asked.Kind {
			case "many":
				asked.many(connection, &done)
			case "unary":
				asked.unary(connection, &done)
			default:
				asked.stream(connection, &done)
			}
			tell(done)
		}()
	})
}

func (asked order) context() (context.Context, context.CancelFunc) {
	pairs := metadata.MD{}
	for key, value := range asked.Metadata {
		pairs.Set(key, value)
	}
	for key, value := range asked.Binary {
		pairs.Set(key, string(value))
	}
	ctx := metadata.NewOutgoingContext(context.Background(), pairs)
	if asked.TimeoutMs > 0 {
		return context.WithTimeout(ctx, time.Duration(asked.TimeoutMs)*time.Millisecond)
	}
	return context.WithCancel(ctx)
}

func (asked order) path() string { return "/interop.Peer/" + asked.Method }

func (asked order) callOptions(trailers *metadata.MD) []grpc.CallOption {
	options := []grpc.CallOption{grpc.Trailer(trailers)}
	if asked.Compress {
		options = append(options, grpc.UseCompressor("gzip"))
	}
	return options
}

func (done *result) end(err error, trailers metadata.MD) {
	if err != nil {
		failure := status.Convert(err)
		done.Code, done.Message = failure.Code(), failure.Message()
	}
	for key, values := range trailers {
		done.Trailers[key] = values[0]
	}
}

func (asked order) unary(connection *grpc.ClientConn, done *result) {
	ctx, cancel := asked.context()
	defer cancel()
	var trailers metadata.MD
	var answer []byte
	err := connection.Invoke(ctx, asked.path(), &asked.Send[0], &answer, asked.callOptions(&trailers)...)
	if err == nil {
		done.Received = append(done.Received, answer)
	}
	done.end(err, trailers)
}

func (asked order) stream(connection *grpc.ClientConn, done *result) {
	ctx, cancel := asked.context()
	defer cancel()
	var trailers metadata.MD
	stream, err := connection.NewStream(ctx, any2any, asked.path(), asked.callOptions(&trailers)...)
	if err != nil {
		done.end(err, trailers)
		return
	}
	answered := make(chan struct{}, 1<<16)
	go func() {
		for _, message := range asked.Send {
			if stream.SendMsg(&message) != nil {
				return
			}
			if asked.InTurn {
				<-answered
			}
		}
		if !asked.StaysOpen {
			_ = stream.CloseSend()
		}
	}()
	for {
		var message []byte
		if err = stream.RecvMsg(&message); err != nil {
			break
		}
		done.Received = append(done.Received, message)
		answered <- struct{}{}
		if len(done.Received) == asked.CancelAfter {
			cancel()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	done.end(err, stream.Trailer())
}

func (asked order) many(connection *grpc.ClientConn, done *result) {
	done.Codes = map[string]int{}
	var lock sync.Mutex
	var all sync.WaitGroup
	turns := make(chan int)
	for range asked.AtOnce {
		all.Go(func() {
			for turn := range turns {
				request := bytes.Repeat([]byte{byte(turn)}, asked.Bytes)
				var answer []byte
				err := connection.Invoke(context.Background(), "/interop.Peer/Echo", &request, &answer)
				lock.Lock()
				done.Codes[strconv.Itoa(int(status.Code(err)))]++
				if err == nil && !bytes.Equal(request, answer) {
					done.Unequal++
				}
				lock.Unlock()
			}
		})
	}
	for turn := range asked.Total {
		turns <- turn
	}
	close(turns)
	all.Wait()
}
