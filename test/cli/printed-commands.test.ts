/** Every command that a message, a page or a sample names is one that there is, with options that it has. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../kit/command.ts";

const SOURCE = readFileSync(join(root, "src/cli/main.ts"), "utf8");

/** Options by command, as in "audit verify", read where they are declared. */
const commandsIn = (source: string): ReadonlyMap<string, ReadonlySet<string>> => {
  const shared: Readonly<Record<string, readonly string[]>> = {
    CONFIG: ["--config"],
    JSON_OUT: ["--json"],
    CONTROL: ["--url"],
    "adminToken()": ["--token"],
  };
  const parents = new Map([["ocsgw", ""]]);
  const found = new Map<string, ReadonlySet<string>>();
  const declared = [...source.matchAll(/(?:const (\w+) = )?\b(\w+)\.command\("([a-z-]+)"/g)];
  for (const [at, { 1: variable, 2: parent, 3: name, index }] of declared.entries()) {
    const part = source.slice(index, declared[at + 1]?.index);
    if (parent === undefined || name === undefined || !parents.has(parent)) continue;
    const called = `${parents.get(parent)!} ${name}`.trim();
    if (variable !== undefined) parents.set(variable, called);
    const own = [...part.matchAll(/(?:\.option\(|new Option\()"(?:-\w, )?(--[a-z-]+)/g)].map(([, option]) => option!);
    const common = Object.entries(shared)
      .filter(([word]) => part.includes(word))
      .flatMap(([, options]) => options);
    const required = [...part.matchAll(/\.requiredOption\("(--[a-z-]+)/g)].map(([, option]) => option!);
    found.set(called, new Set([...own, ...common, ...required, "--help"]));
  }
  return found;
};

const COMMANDS = commandsIn(SOURCE);

/** Words behind `ocsgw` that are no command. */
const PROSE =
  /^(?:needs|runs?|verified|bring|start|is|and|or|itself|on|in|from|prints?|does|writes?|has|may|can|of|to|for|lies|with|by|as|that|which|the|a)$/;

const walk = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path).flatMap((name) => (name === "node_modules" ? [] : walk(join(path, name))))
    : [path];

type Printed = { readonly where: string; readonly text: string; readonly words: readonly string[] };

const printed: readonly Printed[] = ["src", "README.md", "config", "deploy"]
  .flatMap((place) => walk(join(root, place)))
  .filter((file) => /\.(?:ts|md|yaml|yml|service|sh|json)$|Dockerfile$/.test(file) && !file.endsWith("cli/main.ts"))
  .flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line, at) =>
        [...line.matchAll(/(?<![\w./-])ocsgw(?: --)? ((?:[a-z-]+|--?[a-z][\w-]*)[^`"]*)/g)].map(([, text]) => ({
          where: `${relative(root, file)}:${at + 1}`,
          text: text!,
          words: text!.split(/\s+/),
        })),
      ),
  );

/** The longest command that the words begin with. */
const commandOf = ([first = "", second = ""]: readonly string[]): string | undefined => {
  const plain = (word: string): string => word.replace(/[^a-z-].*$/, "");
  return [`${plain(first)} ${plain(second)}`, plain(first)].find((name) => COMMANDS.has(name));
};

describe("commands that are printed", () => {
  it("are found, as is what they are", () => {
    expect(COMMANDS.get("audit verify")).toContain("--require-witnesses");
    expect([...COMMANDS.keys()]).toEqual(
      expect.arrayContaining(["run", "sandbox fault add", "keys create", "audit accept-restore", "witness"]),
    );
    expect(printed.length).toBeGreaterThan(60);
  });

  it("are commands that there are", () => {
    const unknown = printed.filter(
      ({ words }) =>
        commandOf(words) === undefined &&
        !words[0]!.startsWith("--") &&
        !PROSE.test(words[0]!.replace(/[^a-z-].*$/, "")),
    );
    expect(unknown.map(({ where, text }) => `${where}: ocsgw ${text}`)).toEqual([]);
  });

  it("have paths that stay one word in a shell", () => {
    const paths = walk(join(root, "src"))
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) =>
        [
          ...readFileSync(file, "utf8").matchAll(
            /(?:\bch(?:mod|own|grp) [^ `]+| -out|\bocsgw(?: [a-z-]+)+|[ `](?:-c|--config|--state|--out)) \$\{([^}]+)\}/g,
          ),
        ].map(([text, value]) => ({ where: `${relative(root, file)}: ${text}`, value: value! })),
      );
    expect(paths.length).toBeGreaterThan(5);
    const plain = /^inShell\(|^sort === |^clients\[0\]$/;
    expect(paths.filter(({ value }) => !plain.test(value)).map(({ where }) => where)).toEqual([]);
  });

  it("have options that they take", () => {
    const wrong = printed.flatMap(({ where, words }) => {
      const command = commandOf(words);
      if (command === undefined) return [];
      // Up to the end of what is typed: a sentence goes on behind it.
      const end = words.findIndex((word) => /[.,;:)]$/.test(word));
      const typed = end < 0 ? words : words.slice(0, end + 1);
      const options = typed.flatMap((word) => /^\[?(--[a-z][a-z-]*)/.exec(word)?.[1] ?? []);
      const known = (option: string): boolean =>
        [...COMMANDS].some(
          ([name, own]) =>
            (name === command || command.startsWith(`${name} `) || name.startsWith(`${command} `)) && own.has(option),
        );
      return options.filter((option) => !known(option)).map((option) => `${where}: ocsgw ${command} ${option}`);
    });
    expect(wrong).toEqual([]);
  });
});
