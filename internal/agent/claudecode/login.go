package claudecode

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// logIn gives the CLI the user's login, where that is what pays. The rules are:
//
//   - it gets a copy: what it writes never reaches the user's own;
//   - the copy has no refresh token, so that whoever steals it from a sandbox has it for hours, not for ever. Once it is
//     used up the CLI is not authenticated any more, and the build pauses until the user has used the CLI again.
func (p *Program) logIn(folder string) error {
	if p.conf.Credentials == "" {
		return nil
	}
	raw, err := os.ReadFile(p.conf.Credentials)
	if err != nil {
		return fmt.Errorf("read login of claude code: %w", err)
	}
	short, err := shortLived(raw)
	if err != nil {
		return fmt.Errorf("read login of claude code %s: %w", p.conf.Credentials, err)
	}
	if err := os.WriteFile(filepath.Join(folder, ".credentials.json"), short, 0o600); err != nil {
		return fmt.Errorf("write login of claude code: %w", err)
	}
	return nil
}

// shortLived keeps of a login what a few hours of work need.
func shortLived(raw []byte) ([]byte, error) {
	var file struct {
		OAuth map[string]json.RawMessage `json:"claudeAiOauth"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	if len(file.OAuth["accessToken"]) == 0 {
		return nil, fmt.Errorf("it holds no claudeAiOauth.accessToken; log in with: claude")
	}
	delete(file.OAuth, "refreshToken")
	return json.Marshal(file)
}
