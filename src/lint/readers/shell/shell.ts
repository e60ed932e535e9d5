/** Shell scripts: calls of curl. */
import {
  absent,
  call,
  joined,
  NOTHING,
  unknown,
  type Header,
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
import { commandsOf, plain, ShellError, type Command, type Word } from "./words.ts";

export const readShell: Reader = (source) => {
  let commands: readonly Command[];
  try {
    commands = commandsOf(source.text);
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    return { ...NOTHING, faults: [{ at: error.at, message: error.message }] };
  }
  return joined(read(source, commands));
};

const PREFIX = /^(?:sudo|time|env|exec|command|nohup|if|while|until|then|else|elif|do|!|\{|[A-Za-z_]\w*=.*)$/s;
const OPENS = /^(?:while|until|for|if)$/;

type Block = { readonly word: string; readonly at: number; readonly test: Range; branch: string };

/** Follows the keywords of loops and branches from command to command. */
const read = (source: Source, commands: readonly Command[]): readonly Reading[] => {
  const blocks: Block[] = [];
  let before: Range = { start: 0, end: 0 };
  return commands.map((command): Reading => {
    for (const word of command.words) {
      const text = plain(word);
      if (!PREFIX.test(text) && !/^(?:done|fi|for|case|esac)$/.test(text)) break;
      follow(blocks, { text, at: word.at });
    }
    const curl = command.words.findIndex((word) => /(?:^|\/)curl(?:\.exe)?$/.test(plain(word)));
    const isCall = curl >= 0 && command.words.slice(0, curl).every((word) => PREFIX.test(plain(word)));
    const start = command.words[0]!.at;
    const found = isCall ? readCurl(source, command, { curl, blocks, before }) : NOTHING;
    before = { start, end: command.words.at(-1)!.end };
    return found;
  });
};

const follow = (blocks: Block[], { text, at }: { readonly text: string; readonly at: number }): void => {
  if (OPENS.test(text)) blocks.push({ word: text, at, test: { start: at, end: at }, branch: "test" });
  else if (text === "done" || text === "fi") blocks.pop();
  const block = blocks.at(-1);
  if (!block || !/^(?:then|else|elif|do|!)$/.test(text)) return;
  const before = block.branch;
  if (text !== "!") block.branch = before === "test!" && text === "then" ? "failed" : text;
  else if (before === "test") block.branch = "test!";
};

type Around = { readonly curl: number; readonly blocks: readonly Block[]; readonly before: Range };

const readCurl = (source: Source, command: Command, { curl, blocks, before }: Around): Reading => {
  const name = command.words[curl]!;
  const { options, urls } = optionsOf(command.words.slice(curl + 1));
  const secrets = options.flatMap(secretIn);
  const retry = options.find((option) => option.name === "retry");
  const readings = urls.map((word): Reading => {
    const destination = destinationOf(readUrl(word.parts), source.isKnownAddress);
    if (destination === "elsewhere") return NOTHING;
    if (destination === "maybe")
      return { ...NOTHING, undecided: [{ at: word.at, what: "the URL of a curl call is computed at run time" }] };
    return {
      ...NOTHING,
      calls: [
        call(name.at, {
          urlAt: word.at,
          url: word.parts,
          ...requestOf(options, command, name.at),
          headers: headersOf(options),
          afterFailureOf: failuresBefore(command, blocks, before),
          retried: (retry !== undefined && plain(retry.value ?? name) !== "0") || isInRetryLoop(blocks),
        }),
      ],
    };
  });
  return { ...joined(readings), secrets };
};

/** Options whose value is a credential: a user with a password, or the whole value. */
const SECRETS: Readonly<Record<string, string>> = {
  user: "a user and a password",
  "proxy-user": "a user and a password",
  "oauth2-bearer": "a token",
  pass: "a password",
  cookie: "a cookie",
};

const secretIn = ({ name, value }: Option): readonly Secret[] => {
  const what = SECRETS[name];
  if (what === undefined || !value) return [];
  const written = plain(value);
  const separator = name === "cookie" ? "=" : name.endsWith("user") ? ":" : "";
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

/** `until curl …; do … done` repeats; `for` and `while` loops do if the call is what they test. */
const isInRetryLoop = (blocks: readonly Block[]): boolean =>
  blocks.some(({ word, branch }) => (word === "until" || word === "while") && branch.startsWith("test"));

const requestOf = (options: readonly Option[], { input }: Command, at: number) => {
  const named = (...names: readonly string[]): readonly Option[] => options.filter(({ name }) => names.includes(name));
  const data = named("data", "data-raw", "data-binary", "data-ascii", "json");
  const forms = named("data-urlencode", "form", "form-string");
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
