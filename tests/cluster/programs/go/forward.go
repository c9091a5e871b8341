package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

const (
	listenerFD  = 3 // inherited: opened by the parent in the host's network namespace
	dialTimeout = 10 * time.Second
)

// forward accepts on an inherited listening socket and copies each connection to and from target.
// A socket stays in the network namespace it was opened in, so a process inside the cluster's namespace that holds a
// listener of the host joins the two; no port is ever chosen before it is bound.
func forward(target string) error {
	listener, err := net.FileListener(os.NewFile(listenerFD, "listener"))
	if err != nil {
		return fmt.Errorf("file descriptor %d is not a listening socket: %w", listenerFD, err)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go join(conn.(*net.TCPConn), target)
	}
}

func join(near *net.TCPConn, target string) {
	defer near.Close()
	conn, err := net.DialTimeout("tcp", target, dialTimeout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	far := conn.(*net.TCPConn)
	defer far.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]*net.TCPConn{{near, far}, {far, near}} {
		go func(to, from *net.TCPConn) {
			_, _ = io.Copy(to, from) // an error here is the end of the connection, which the other side sees too
			_ = to.CloseWrite()
			done <- struct{}{}
		}(pair[0], pair[1])
	}
	<-done
	<-done
}
