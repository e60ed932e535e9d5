/** Shell scripts: calls of curl, and where other programs are given an address of OCS. */
import {
  absent,
  call,
  concat,
  HOLE,
  joined,
  NOTHING,
  unknown,
  type Header,
  type Part,
  type Range,
  type Reading,
  type Secret,
  type Value,
} from "../../calls.ts";
import { destinationOf, readUrl } from "../../url.ts";
import { parsed } from "../../script/evaluate-call.ts";
import { MARK } from "../../holes.ts";
import type { Reader, Source } from "../reader.ts";
import { optionsOf, type Option } from "./curl-options.ts";
import { placed, plain, ShellError, type Command, type Word } from "./command.ts";
import { commandsOf } from "./words.ts";

export const readShell: Reader = (source) => {
  try {
    return joined(read(source, commandsOf(source.text)));
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    return { ...NOTHING, faults: [{ at: error.at, message: error.message }] };
  }
};

const PREFIX = /^(?:sudo|time|env|exec|command|nohup|if|while|until|then|else|elif|do|!|\{|[A-Za-z_]\w*=.*)$/s;
/** Programs that run another one, whose name stands among their arguments. */
const RUNS =
  /^(?:sudo|doas|timeout|xargs|parallel|find|nice|ionice|stdbuf|setsid|flock|retry|watch|docker|podman|kubectl|ssh)$/;
/** Programs that are given a script as a text. */
const RUNS_TEXT = /^(?:eval|bash|sh|zsh|ksh|dash|su|trap)$/;
const CURL = /(?:^|\/)curl(?:\.exe)?$/;
/** Programs that send requests too, and whose options are not read. */
const OTHER = /(?:^|\/)(?:wget|https?|xhs?|iwr|irm|Invoke-(?:RestMethod|WebRequest))(?:\.exe)?$/i;
const OPENS = /^(?:while|until|for|if)$/;

type Block = { readonly word: string; readonly at: number; readonly test: Range; branch: string };

/** Follows the keywords of loops and branches from command to command. */
const read = (source: Source, commands: readonly Command[]): readonly Reading[] => {
  const blocks: Block[] = [];
  let before: Range = { start: 0, end: 0 };
  return commands.flatMap((command, index): readonly Reading[] => {
    for (const word of command.words) {
      const text = plain(word);
      if (!PREFIX.test(text) && !/^(?:done|fi|for|case|esac)$/.test(text)) break;
      follow(blocks, { text, at: word.at });
    }
    const around = { blocks, before, leaves: leavesLoop(commands[index + 1]) };
    const found = [command, ...within(source, command)].map((each) => readCommand(source, each, around));
    before = { start: command.words[0]!.at, end: command.words.at(-1)!.end };
    return found;
  });
};

/** `curl … && break`: the loop goes on until the call succeeds. */
const leavesLoop = (next: Command | undefined): boolean =>
  next?.before === "&&" && /^(?:break|exit|return)$/.test(plain(next.words[0]!));

/** The commands inside `$(…)`, and those of a text that is given to a shell. */
const within = (source: Source, command: Command): readonly Command[] => [
  ...command.inside.flatMap((each) => [each, ...within(source, each)]),
  ...(startsWith(command, RUNS_TEXT) || startsWith(command, RUNS) ? scriptsIn(source, command) : []),
];

const scriptsIn = ({ text }: Source, { words, input }: Command): readonly Command[] => {
  const quoted = words.filter(({ at, end }) => /["']/.test(text[at]!) && end > at + 1 && text[end - 1] === text[at]);
  const parts = [...quoted.map(({ at, end }) => ({ at: at + 1, end: end - 1 })), ...(input ? [input] : [])];
  return parts.flatMap(({ at, end }) => {
    // Of the same length, so that places stay.
    const part = text.slice(at, end).replaceAll('\\"', ' "');
    return /\bcurl\b/.test(part) ? scriptAt(part, at) : [];
  });
};

const scriptAt = (part: string, at: number): readonly Command[] => {
  try {
    return placed(commandsOf(part), at);
  } catch (error) {
    if (error instanceof ShellError) throw new ShellError(error.message, error.at + at);
    throw error;
  }
};

/** True if the program's name, or the first one that runs another, is such a name. */
const startsWith = ({ words }: Command, names: RegExp): boolean => {
  const first = words.find((word) => !PREFIX.test(plain(word)) || RUNS.test(plain(word)));
  return first !== undefined && names.test(plain(first).replace(/^.*\//, ""));
};

const readCommand = (source: Source, command: Command, around: Omit<Around, "name">): Reading => {
  const name = nameIn(command, CURL);
  if (name >= 0) return readCurl(source, command, { ...around, name });
  return nameIn(command, OTHER) >= 0 ? readOther(source, command) : NOTHING;
};

/** Where the program's name stands; -1 if the command runs another one. */
const nameIn = (command: Command, program: RegExp): number => {
  const at = command.words.findIndex((word) => program.test(plain(word)));
  if (at < 0) return at;
  const isFirst = command.words.slice(0, at).every((word) => PREFIX.test(plain(word)));
  return isFirst || startsWith(command, RUNS) ? at : -1;
};

/** Method, headers and body of other programs are not read: what they send is judged by its address alone. */
const readOther = (source: Source, { words }: Command): Reading => ({
  ...NOTHING,
  calls: words
    .filter(({ parts }) => destinationOf(readUrl(parts), source.isKnownAddress) === "ocs")
    .map(({ parts, at }) => call(words[0]!.at, { urlAt: at, url: parts })),
});

const follow = (blocks: Block[], { text, at }: { readonly text: string; readonly at: number }): void => {
  if (OPENS.test(text)) blocks.push({ word: text, at, test: { start: at, end: at }, branch: "test" });
  else if (text === "done" || text === "fi") blocks.pop();
  const block = blocks.at(-1);
  if (!block || !/^(?:then|else|elif|do|!)$/.test(text)) return;
  const before = block.branch;
  if (text !== "!") block.branch = before === "test!" && text === "then" ? "failed" : text;
  else if (before === "test") block.branch = "test!";
};

/** `name`: which word is the program's. `leaves`: success ends the loop around. */
type Around = {
  readonly name: number;
  readonly blocks: readonly Block[];
  readonly before: Range;
  readonly leaves: boolean;
};

const readCurl = (source: Source, command: Command, { name: at, blocks, before, leaves }: Around): Reading => {
  const name = command.words[at]!;
  const { options, urls } = optionsOf(command.words.slice(at + 1));
  const retry = options.find((option) => option.name === "retry");
  const query = queryOf(options);
  const readings = urls.map((word): Reading => {
    const url = withQuery(placeholders(word.parts, command), query);
    const destination = destinationOf(readUrl(url), source.isKnownAddress);
    if (destination === "elsewhere") return NOTHING;
    if (destination === "maybe")
      return { ...NOTHING, undecided: [{ at: word.at, what: "the URL of a curl call is computed at run time" }] };
    return {
      ...NOTHING,
      calls: [
        call(name.at, {
          urlAt: word.at,
          url,
          ...requestOf(options, command, name.at),
          headers: headersOf(options),
          afterFailureOf: failuresBefore(command, blocks, before),
          retried: (retry !== undefined && plain(retry.value ?? name) !== "0") || isInRetryLoop(blocks, leaves),
        }),
      ],
    };
  });
  const isInFile = urls.length === 0 && options.some((option) => option.name === "config");
  const undecided = isInFile ? [{ at: name.at, what: "what curl sends stands in another file" }] : [];
  return joined([...readings, { ...NOTHING, undecided, secrets: options.flatMap(secretIn) }]);
};

/** `xargs -I{}` and `find -exec` put their own text in place of `{}`. */
const placeholders = (parts: readonly Part[], command: Command): readonly Part[] =>
  startsWith(command, /^(?:xargs|parallel|find)$/)
    ? parts.flatMap((part) =>
        typeof part === "string" ? part.split("{}").flatMap((text, at) => (at === 0 ? [text] : [HOLE, text])) : [part],
      )
    : parts;

const DATA: ReadonlySet<string> = new Set(["data", "data-raw", "data-binary", "data-ascii", "data-urlencode"]);

/** What `--url-query` and, with `-G`, the data add to the URL. */
const queryOf = (options: readonly Option[]): readonly (readonly Part[])[] => {
  const isGet = options.some(({ name }) => name === "get");
  return options
    .filter(({ name }) => name === "url-query" || (isGet && DATA.has(name)))
    .map(({ value }) => (!value || plain(value).startsWith("@") ? [HOLE] : value.parts));
};

const withQuery = (url: readonly Part[], query: readonly (readonly Part[])[]): readonly Part[] => {
  const hasQuery = url.some((part) => typeof part === "string" && part.includes("?"));
  return concat(url, ...query.map((parts, at) => [at === 0 && !hasQuery ? "?" : "&", ...parts]));
};

/** Options whose value is a credential: a user with a password, or the whole value. */
const SECRETS: Readonly<Record<string, string>> = {
  user: "a user and a password",
  "proxy-user": "a user and a password",
  "oauth2-bearer": "a token",
  pass: "a password",
  "proxy-pass": "a password",
  tlspassword: "a password",
  "proxy-tlspassword": "a password",
  cert: "the password of a certificate",
  cookie: "a cookie",
};

const secretIn = ({ name, value }: Option): readonly Secret[] => {
  const what = SECRETS[name];
  if (what === undefined || !value) return [];
  const written = plain(value);
  const separator = name === "cookie" ? "=" : /user$|^cert$/.test(name) ? ":" : "";
  const at = written.indexOf(separator);
  const secret = at < 0 ? "" : written.slice(at + separator.length);
  return secret === "" || secret.startsWith(MARK) ? [] : [{ at: value.at, end: value.end, what }];
};

/** After `||`, in `if ! curl …; then`, and in the `else` of `if curl …`. */
const failuresBefore = (command: Command, blocks: readonly Block[], before: Range): readonly Range[] => {
  const failed = blocks
    .filter(({ branch, word }) => word === "if" && (branch === "failed" || branch === "else"))
    .map(({ at }): Range => ({ start: at, end: command.words[0]!.at }));
  return command.before === "||" ? [...failed, before] : failed;
};

/** `until curl …; do … done` repeats; `for` and `while` loops do if the call is what they test, or what ends them. */
const isInRetryLoop = (blocks: readonly Block[], leaves: boolean): boolean =>
  blocks.some(({ word, branch }) => word !== "if" && (leaves || (word !== "for" && branch.startsWith("test"))));

const requestOf = (options: readonly Option[], { input }: Command, at: number) => {
  const named = (...names: readonly string[]): readonly Option[] => options.filter(({ name }) => names.includes(name));
  const isQuery = named("get").length > 0;
  const data = isQuery ? [] : named("data", "data-raw", "data-binary", "data-ascii", "json");
  const forms = isQuery ? [] : named("data-urlencode", "form", "form-string");
  const method = named("request").at(-1)?.value;
  const isGet = named("get", "head").length > 0;
  const sends = data.length > 0 || forms.length > 0;
  const implied = { kind: "text" as const, parts: [sends && !isGet ? "POST" : "GET"], at };
  const isTyped = named("json").length > 0 || headersOf(options).some(({ name }) => /^content-type$/i.test(name));
  return {
    method: method ? { kind: "text" as const, parts: method.parts, at: method.at } : implied,
    body: bodyOf(data, forms, input, at),
    // Without a type, curl says that the data is a form.
    form: forms.length > 0 || (data.length > 0 && !isTyped),
  };
};

const bodyOf = (data: readonly Option[], forms: readonly Option[], input: Word | undefined, at: number): Value => {
  if (forms.length > 0 || data.length > 1) return unknown(at);
  const [only] = data;
  if (!only) return absent(at);
  const given = only.value;
  const written = given ? plain(given) : "";
  if (written === "@-" || written === "@/dev/stdin") return input ? valueOf(input) : unknown(at);
  return !given || (written.startsWith("@") && only.name !== "data-raw") ? unknown(at) : valueOf(given);
};

const valueOf = ({ parts, at, exactAt }: Word): Value => {
  if (parts.length === 0) return absent(at);
  const value: Value = {
    kind: "text",
    parts,
    at: exactAt ?? at,
    ...(exactAt !== undefined && { exact: true as const }),
  };
  return parsed(value) ?? value;
};

const headersOf = (options: readonly Option[]): readonly Header[] =>
  options.flatMap(({ name, value }): readonly Header[] => {
    if (name === "json") return [];
    if (name !== "header" || !value) return [];
    const [first, ...rest] = value.parts;
    const [all, header, written] = typeof first === "string" ? (/^([\w-]+)\s*:\s*(.*)$/s.exec(first) ?? []) : [];
    if (all === undefined || header === undefined || written === undefined) return [];
    const parts = [...(written === "" ? [] : [written]), ...rest];
    return [{ name: header, value: { kind: "text", parts, at: value.at }, at: value.at }];
  });
