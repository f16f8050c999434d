package claudecode

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"

	cli "github.com/seed-c331f47d/builder/claudecode"
	"github.com/seed-c331f47d/builder/internal/sandbox"
)

// fence keeps the CLI's file tools in the work tree where no sandbox does. Its commands go where they will: whoever
// does without a sandbox has been told.
type fence struct{ root string }

// refusal says why a call must not be made, "" where it may.
func (f fence) refusal(input json.RawMessage) string {
	var in map[string]json.RawMessage
	if json.Unmarshal(input, &in) != nil {
		return "the input is no JSON object"
	}
	for _, name := range []string{"file_path", "notebook_path", "path"} {
		var path string
		if json.Unmarshal(in[name], &path) == nil && path != "" && !f.holds(path) {
			return "only paths below " + f.root + " are in reach"
		}
	}
	return ""
}

// holds says whether a path is in the tree, links on the way followed.
func (f fence) holds(path string) bool {
	if !filepath.IsAbs(path) {
		path = filepath.Join(f.root, path)
	}
	path = filepath.Clean(path)
	for at := path; ; at = filepath.Dir(at) {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return sandbox.Within(f.root, filepath.Join(real, strings.TrimPrefix(path, at)))
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
}

// permit answers the CLI's question.
func (f fence) permit(_ context.Context, r cli.PermissionRequest) (cli.Permission, error) {
	if why := f.refusal(r.Input); why != "" {
		return cli.Deny(why), nil
	}
	return cli.Allow(), nil
}

// hook refuses what the CLI would not ask about.
func (f fence) hook(_ context.Context, in cli.HookInput) (cli.HookOutput, error) {
	if why := f.refusal(in.ToolInput); why != "" {
		return cli.DenyTool(why), nil
	}
	return cli.HookOutput{}, nil
}
