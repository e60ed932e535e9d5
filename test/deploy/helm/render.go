// Renders the templates of a chart as Helm does, with the same engine (text/template) and functions (sprig).
// Standard input: {"chart": {…}, "release": {…}, "values": {…}, "templates": {"name": "text"}}, values merged already.
// Standard output: {"name": "text"} of each template that is no helper. An error goes to standard error, exit code 1.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

type input struct {
	Chart     map[string]interface{} `json:"chart"`
	Release   map[string]interface{} `json:"release"`
	Values    map[string]interface{} `json:"values"`
	Templates map[string]string      `json:"templates"`
}

func main() {
	var given input
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		stop(err)
	}
	all := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	// Helm removes these two, because a chart must not depend on the machine.
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["toYaml"] = toYaml
	functions["fromYaml"] = fromYaml
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := all.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	all.Funcs(functions)
	for name, text := range given.Templates {
		if _, err := all.New(name).Parse(text); err != nil {
			stop(err)
		}
	}
	rendered := map[string]string{}
	for name := range given.Templates {
		if strings.HasPrefix(name, "_") {
			continue
		}
		data := map[string]interface{}{"Chart": given.Chart, "Release": given.Release, "Values": given.Values}
		var out bytes.Buffer
		if err := all.ExecuteTemplate(&out, name, data); err != nil {
			stop(err)
		}
		// Helm writes nothing for a key that is missing.
		rendered[name] = strings.ReplaceAll(out.String(), "<no value>", "")
	}
	if err := json.NewEncoder(os.Stdout).Encode(rendered); err != nil {
		stop(err)
	}
}

func toYaml(value interface{}) (string, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(value)
	return strings.TrimSuffix(out.String(), "\n"), err
}

func fromYaml(text string) (map[string]interface{}, error) {
	value := map[string]interface{}{}
	err := yaml.Unmarshal([]byte(text), &value)
	return value, err
}

func stop(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
