package claudecode

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// installation is where the CLI lies: what is executed, and what it must be able to read for it.
type installation struct {
	argv []string // real paths: the program, or an interpreter and the script
	read []string
}

// NotFoundError says that there is no CLI.
type NotFoundError struct {
	Name string
	Err  error
}

// Error names what was looked for.
func (e *NotFoundError) Error() string { return fmt.Sprintf("find %s: %v", e.Name, e.Err) }

// Unwrap gives the cause.
func (e *NotFoundError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *NotFoundError) Hint() string {
	return "install it with: npm install -g @anthropic-ai/claude-code"
}

// find looks for the CLI on this process's PATH, and where it is a script for its interpreter on path too.
func find(name, path string) (installation, error) {
	if name == "" {
		name = "claude"
	}
	real, err := resolve(name)
	if err != nil {
		return installation{}, &NotFoundError{Name: name, Err: err}
	}
	words, err := shebang(real)
	if err != nil {
		return installation{}, &NotFoundError{Name: name, Err: err}
	}
	if words == nil {
		return installation{argv: []string{real}, read: []string{real}}, nil
	}
	interpreter, err := interpreterOf(words, path)
	if err != nil {
		return installation{}, &NotFoundError{Name: "the interpreter of " + real, Err: err}
	}
	return installation{
		argv: append(append([]string{interpreter}, words[1:]...), real),
		read: []string{packageOf(real), interpreter},
	}, nil
}

// resolve is the real path of a program.
func resolve(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// shebang gives the words of a script's first line, its program first; nil for a binary.
func shebang(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReaderSize(f, 4096).ReadSlice('\n')
	if !bytes.HasPrefix(line, []byte("#!")) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read first line of %s: %w", path, err)
	}
	words := strings.Fields(string(line[2:]))
	if len(words) > 0 && filepath.Base(words[0]) == "env" {
		words = words[1:]
		if len(words) > 0 && words[0] == "-S" {
			words = words[1:]
		}
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("%s names no interpreter", path)
	}
	return words, nil
}

// interpreterOf finds a script's interpreter, on path and then on our own PATH.
func interpreterOf(words []string, path string) (string, error) {
	if filepath.IsAbs(words[0]) {
		return resolve(words[0])
	}
	for _, dir := range filepath.SplitList(path) {
		real, err := resolve(filepath.Join(dir, words[0]))
		if err == nil {
			return real, nil
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, exec.ErrNotFound) {
			return "", err
		}
	}
	return resolve(words[0])
}

// packageOf is what belongs to a script: the packages of its npm scope, where it is of one, else its own folder.
func packageOf(script string) string {
	const modules = "/node_modules/"
	at := strings.LastIndex(script, modules)
	if at < 0 {
		return filepath.Dir(script)
	}
	name, _, _ := strings.Cut(script[at+len(modules):], "/")
	return script[:at+len(modules)] + name
}
