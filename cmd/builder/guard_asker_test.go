package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// asker is the command line of an agent, as small as can be: it finds the API by the usual variables, asks
// the same way many times, prints each status, and stops at the first that is not 200.
func asker() {
	fs := flag.NewFlagSet("asker", flag.ExitOnError)
	api := fs.String("api", "messages", "messages, chat or responses")
	model := fs.String("model", "claude-sonnet-5-5", "")
	n := fs.Int("n", 1, "questions of each worker")
	workers := fs.Int("workers", 1, "at the same time")
	limit := fs.Int("max", 2000, "output tokens")
	exit := fs.Int("exit", 0, "code of a good end")
	show := fs.String("env", "", "print this variable")
	cat := fs.Bool("cat", false, "print what comes in")
	tty := fs.Bool("tty", false, "say whether input and output are a terminal that is ours")
	trap := fs.String("trap", "", "wait for a signal: say (and end with 3), ignore or die")
	_ = fs.Parse(os.Args[1:]) // it ends the program
	switch {
	case *show != "":
		fmt.Println(os.Getenv(*show))
	case *cat:
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			panic(err)
		}
	case *tty:
		pgrp, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
		fmt.Printf("terminal %v, ours %v\n", err == nil && terminal(os.Stdout), pgrp == syscall.Getpgrp())
	case *trap != "":
		trapped(*trap)
	}
	var failed atomic.Bool
	var wg sync.WaitGroup
	for worker := range *workers {
		wg.Go(func() {
			for i := range *n {
				status, body := askOnce(*api, *model, *limit, fmt.Sprintf("worker %d question %d", worker, i))
				fmt.Println(status)
				if status != http.StatusOK {
					fmt.Fprintln(os.Stderr, body)
					failed.Store(true)
					return
				}
			}
		})
	}
	wg.Wait()
	if failed.Load() {
		os.Exit(1)
	}
	os.Exit(*exit)
}

// trapped waits for SIGINT and does as told.
func trapped(how string) {
	c := make(chan os.Signal, 9)
	if how != "die" {
		signal.Notify(c, os.Interrupt)
	}
	fmt.Printf("ready %d\n", os.Getpid())
	for range c {
		fmt.Println("interrupted")
		if how == "say" {
			os.Exit(3)
		}
	}
	select {}
}

func askOnce(api, model string, limit int, text string) (int, string) {
	base, path, header, key := os.Getenv("ANTHROPIC_BASE_URL"), "/v1/messages", "X-Api-Key", os.Getenv("ANTHROPIC_API_KEY")
	body := fmt.Sprintf(`{"model":%q,"max_tokens":%d,"stream":true,"messages":[{"role":"user","content":%q}]}`, model, limit, text)
	switch api {
	case "chat":
		base, path, header, key = os.Getenv("OPENAI_BASE_URL"), "/chat/completions", "Authorization", "Bearer "+os.Getenv("OPENAI_API_KEY")
		body = strings.Replace(body, "max_tokens", "max_completion_tokens", 1)
	case "responses":
		base, path, header, key = os.Getenv("OPENAI_BASE_URL"), "/responses", "Authorization", "Bearer "+os.Getenv("OPENAI_API_KEY")
		body = fmt.Sprintf(`{"model":%q,"max_output_tokens":%d,"stream":true,"input":[{"type":"message","role":"user","content":[{"type":"input_text","text":%q}]}]}`, model, limit, text)
	}
	req, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	req.Header.Set(header, key)
	req.Header.Set("Anthropic-Version", "2023-06-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return -resp.StatusCode, err.Error()
	}
	return resp.StatusCode, string(raw)
}
