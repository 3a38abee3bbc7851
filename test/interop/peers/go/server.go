package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

type event struct {
	Event   string `json:"event"`
	Address string `json:"address,omitempty"`
	Code    string `json:"code,omitempty"`
}

var gate = make(chan struct{}, 1)

func serve(given options) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	large := grpc.MaxRecvMsgSize(64 << 20)
	settings := []grpc.ServerOption{
		grpc.Creds(given.credentials()), large, grpc.ForceServerCodec(rawCodec{}), grpc.UnknownServiceHandler(answer),
	}
	if given.Window > 0 {
		settings = append(settings, grpc.InitialWindowSize(given.Window), grpc.InitialConnWindowSize(given.Window))
	}
	if given.Streams > 0 {
		settings = append(settings, grpc.MaxConcurrentStreams(given.Streams))
	}
	server := grpc.NewServer(settings...)
	tell(event{Event: "listening", Address: socket.Addr().String()})
	go eachLine(func(line []byte) {
		var asked struct{ Do string }
		check(json.Unmarshal(line, &asked))
		switch asked.Do {
		case "open":
			gate <- struct{}{}
		case "drain":
			go func() {
				server.GracefulStop()
				tell(event{Event: "drained"})
			}()
		case "close":
			server.Stop()
		}
	})
	check(server.Serve(socket))
	select {}
}

func answer(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	switch path {
	case "/interop.Peer/Echo":
		return one(stream, func(request []byte) ([]byte, error) { return request, nil })
	case "/interop.Peer/Describe":
		return one(stream, func([]byte) ([]byte, error) { return json.Marshal(describe(stream.Context())) })
	case "/interop.Peer/End":
		return one(stream, func(request []byte) ([]byte, error) { return []byte{}, end(stream, request) })
	case "/interop.Peer/Gate":
		return one(stream, func(request []byte) ([]byte, error) {
			tell(event{Event: "gated"})
			<-gate
			return request, nil
		})
	case "/interop.Peer/Count":
		return count(stream)
	case "/interop.Peer/Collect":
		return collect(stream)
	case "/interop.Peer/Chat":
		return chat(stream)
	case "/interop.Peer/Farewell":
		return one(stream, func(request []byte) ([]byte, error) { return request, nil })
	case "/interop.Peer/Hang":
		return hang(stream)
	}
	return status.Error(codes.Unimplemented, "there is no "+path)
}

func one(stream grpc.ServerStream, handle func([]byte) ([]byte, error)) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	response, err := handle(request)
	if err != nil {
		return err
	}
	return stream.SendMsg(&response)
}

func describe(ctx context.Context) map[string]any {
	values := map[string]string{}
	pairs, _ := metadata.FromIncomingContext(ctx)
	for key, all := range pairs {
		values[key] = all[0]
	}
	described := map[string]any{"metadata": values}
	if deadline, ok := ctx.Deadline(); ok {
		described["timeoutMs"] = time.Until(deadline).Milliseconds()
	}
	if from, ok := peer.FromContext(ctx); ok {
		if secured, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(secured.State.PeerCertificates) > 0 {
			described["principal"] = secured.State.PeerCertificates[0].Subject.CommonName
		}
	}
	return described
}

func end(stream grpc.ServerStream, request []byte) error {
	var asked struct {
		Code     codes.Code
		Message  string
		Trailers map[string]string
	}
	if err := json.Unmarshal(request, &asked); err != nil {
		return err
	}
	stream.SetTrailer(metadata.New(asked.Trailers))
	return status.Error(asked.Code, asked.Message)
}

func count(stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	var asked struct{ Count, Bytes int }
	if err := json.Unmarshal(request, &asked); err != nil {
		return err
	}
	for number := range asked.Count {
		message := bytes.Repeat([]byte{byte(number)}, asked.Bytes)
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
	}
	return nil
}

func collect(stream grpc.ServerStream) error {
	messages, size := 0, 0
	for {
		var message []byte
		err := stream.RecvMsg(&message)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		messages, size = messages+1, size+len(message)
	}
	sum, _ := json.Marshal(map[string]int{"messages": messages, "bytes": size})
	return stream.SendMsg(&sum)
}

func chat(stream grpc.ServerStream) error {
	for {
		var message []byte
		err := stream.RecvMsg(&message)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err = stream.SendMsg(&message); err != nil {
			return err
		}
	}
}

func hang(stream grpc.ServerStream) error {
	ready := []byte("ready")
	if err := stream.SendMsg(&ready); err != nil {
		return err
	}
	<-stream.Context().Done()
	code := "CANCELLED"
	if deadline, ok := stream.Context().Deadline(); ok && !time.Now().Before(deadline) {
		code = "DEADLINE_EXCEEDED"
	}
	tell(event{Event: "lost", Code: code})
	return stream.Context().Err()
}
