/** Every command in a message, a page or a sample exists and has the options that are named. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../kit/command.ts";

const DECLARED_IN = join(root, "src/cli/commands");
const SOURCE = readdirSync(DECLARED_IN)
  .map((name) => readFileSync(join(DECLARED_IN, name), "utf8"))
  .join("\n");

/** Options by command, for example "audit verify", read from their declarations. */
const commandsIn = (source: string): ReadonlyMap<string, ReadonlySet<string>> => {
  const shared: Readonly<Record<string, readonly string[]>> = {
    CONFIG: ["--config"],
    JSON_OUT: ["--json"],
    CONTROL: ["--url"],
    ADMIN_URL: ["--url"],
    PHONE: ["--phone-stdin"],
    CUSTOMER: ["--customer-stdin"],
    PURPOSE: ["--purpose"],
    SINCE: ["--since"],
    UNTIL: ["--until"],
    NODES: ["--nodes"],
    "format()": ["--format"],
    "adminToken()": ["--token"],
    'adminToken("--admin-token': ["--admin-token"],
  };
  const parents = new Map([["ocsgw", ""]]);
  const found = new Map<string, ReadonlySet<string>>();
  const declared = [...source.matchAll(/(?:const (\w+) = )?\b(\w+)\s*\.command\(\s*"([a-z-]+)"/g)];
  for (const [at, { 1: variable, 2: parent, 3: name, index }] of declared.entries()) {
    const part = source.slice(index, declared[at + 1]?.index);
    if (parent === undefined || name === undefined || !parents.has(parent)) continue;
    const called = `${parents.get(parent)!} ${name}`.trim();
    if (variable !== undefined) parents.set(variable, called);
    const own = [...part.matchAll(/(?:\.option\(|new Option\(|repeatable\()\s*"(?:-\w, )?(--[a-z-]+)/g)].map(
      ([, option]) => option!,
    );
    const common = Object.entries(shared)
      .filter(([word]) => part.includes(word))
      .flatMap(([, options]) => options);
    const required = [...part.matchAll(/\.requiredOption\(\s*"(--[a-z-]+)/g)].map(([, option]) => option!);
    found.set(called, new Set([...own, ...common, ...required, "--help"]));
  }
  return found;
};

const COMMANDS = commandsIn(SOURCE);

/** Words after `ocsgw` that are no commands. */
const WORDS =
  "needs|runs?|verified|bring|start|is|and|or|itself|on|in|from|prints?|does|writes?|has|may|can|of|to|for|lies|" +
  "with|by|as|that|which|the|a";
const PROSE = new RegExp(`^(?:${WORDS})$`);

const walk = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path).flatMap((name) => (name === "node_modules" || name === "built" ? [] : walk(join(path, name))))
    : [path];

/** A file's text, with strings joined that span several lines. */
const textOf = (file: string): string => readFileSync(file, "utf8").replaceAll(/["`] \+\s+["`]/g, "");

type Printed = { readonly where: string; readonly text: string; readonly words: readonly string[] };

const printed: readonly Printed[] = ["src", "README.md", ".github", "config", "deploy"]
  .flatMap((place) => walk(join(root, place)))
  .filter((file) => /\.(?:ts|md|yaml|yml|service|sh|json)$|Dockerfile$/.test(file) && !file.startsWith(DECLARED_IN))
  .flatMap((file) =>
    textOf(file)
      .split("\n")
      .flatMap((line, at) =>
        [...line.matchAll(/(?<![\w./-])ocsgw(?: --)? ((?:[a-z-]+|--?[a-z][\w-]*)[^`"]*)/g)].map(([, text]) => ({
          where: `${relative(root, file)}:${at + 1}`,
          text: text!,
          words: text!.split(/\s+/),
        })),
      ),
  );

/** The longest command at the beginning of the words. */
const commandOf = ([first = "", second = ""]: readonly string[]): string | undefined => {
  const plain = (word: string): string => word.replace(/[^a-z-].*$/, "");
  return [`${plain(first)} ${plain(second)}`, plain(first)].find((name) => COMMANDS.has(name));
};

describe("the commands in printed texts", () => {
  it("are found, and so are the existing commands", () => {
    expect(COMMANDS.get("audit verify")).toContain("--require-witnesses");
    expect([...COMMANDS.keys()]).toEqual(
      expect.arrayContaining(["run", "sandbox fault add", "keys create", "audit accept-restore", "witness"]),
    );
    expect(printed.length).toBeGreaterThan(60);
  });

  it("exist", () => {
    const unknown = printed.filter(
      ({ words }) =>
        commandOf(words) === undefined &&
        !words[0]!.startsWith("-") &&
        !PROSE.test(words[0]!.replace(/[^a-z-].*$/, "")),
    );
    expect(unknown.map(({ where, text }) => `${where}: ocsgw ${text}`)).toEqual([]);
  });

  it("have all commands in src/docs/reference/commands.md", () => {
    const page = readFileSync(join(root, "src/docs/reference/commands.md"), "utf8");
    const groups = new Set([...COMMANDS.keys()].map((name) => name.replace(/ [a-z-]+$/, "")));
    const runnable = [...COMMANDS.keys()].filter((name) => !groups.has(name) || !name.includes(" "));
    const absent = runnable.filter((name) => !new RegExp(`\`${name}[\` ]`).test(page));
    expect(absent).toEqual([]);
  });

  it("have paths that are one word for a shell", () => {
    const inserted =
      /(?:\bch(?:mod|own|grp) [^ `]+| -out|\bocsgw(?: [a-z-]+)+|[ `](?:-c|--config|--state|--out)) \$\{([^}]+)\}/g;
    // A script for a shell names the program as a word of its own commands.
    const paths = walk(join(root, "src"))
      .filter((file) => !file.includes("/cli/completion/"))
      .filter((file) => file.endsWith(".ts"))
      .flatMap((file) =>
        [...textOf(file).matchAll(inserted)].map(([text, value]) => ({
          where: `${relative(root, file)}: ${text}`,
          value: value!,
        })),
      );
    expect(paths.length).toBeGreaterThan(5);
    const plain = /^inShell\(|^sort === |^clients\[0\]$/;
    expect(paths.filter(({ value }) => !plain.test(value)).map(({ where }) => where)).toEqual([]);
  });

  it("have only options that they accept", () => {
    const wrong = printed.flatMap(({ where, words }) => {
      const command = commandOf(words);
      if (command === undefined) return [];
      // Only up to the end of the command: a sentence may continue after it.
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
