/**
 * Splits a shell script into commands: words with holes for what the shell fills in, here-documents, and the keywords
 * and operators between them. Nothing is expanded but variables that the script itself sets to a text.
 */
import { concat, HOLE, RECORD_URI, type Part } from "../../calls.ts";
import { placed, ShellError, type Command, type Word } from "./command.ts";

const SPECIAL = /[\s;&|<>()]/;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const DEEPEST = 32;
const MOST_WORDS = 200_000;
/** Characters and holes of a variable's value: a script could double it with every line. */
const MOST_PARTS = 1_000;

type Pending = {
  readonly end: string;
  readonly quoted: boolean;
  readonly strip: boolean;
  readonly give: (word: Word) => void;
};

/** Throws ShellError. */
export const commandsOf = (text: string): readonly Command[] => new Scanner(text).commands();

/** Commands inside others are read only where there may be a request. */
const MAY_SEND = /\b(?:curl|wget|https?)\b/;

class Scanner {
  readonly #text: string;
  readonly #variables: Map<string, readonly Part[] | undefined>;
  /** How many `$(…)` are around; of texts whose places are not known, none is read. */
  readonly #depth: number;
  readonly #commands: Command[] = [];
  #at = 0;
  #read = 0;
  #words: Word[] = [];
  #input: Word | undefined;
  #inside: Command[] = [];
  #before = "";
  #documents: Pending[] = [];

  constructor(text: string, depth = 0, variables = new Map<string, readonly Part[] | undefined>()) {
    this.#text = text;
    this.#depth = depth;
    this.#variables = variables;
  }

  commands(): readonly Command[] {
    while (this.#at < this.#text.length) this.#step();
    this.#finish(";");
    return this.#commands;
  }

  #step(): void {
    const character = this.#text[this.#at]!;
    if (character === "\n") {
      this.#at++;
      if (this.#documents.length > 0) this.#readDocuments();
      return this.#finish(";");
    }
    if (character === "\\" && /^\\\r?\n/.test(this.#text.slice(this.#at, this.#at + 3)))
      return void (this.#at += this.#text[this.#at + 1] === "\r" ? 3 : 2);
    if (character.trim() === "") return void this.#at++;
    if (character === "#") return void (this.#at = this.#lineEnd());
    if (character === "<" && this.#text.startsWith("<<", this.#at)) return this.#hereDocument();
    if (character === "<" || character === ">") return this.#redirection();
    if (/[;&|()]/.test(character)) return this.#operator();
    const word = this.#word();
    // `2>&1`: the number belongs to the redirection.
    if (/[<>]/.test(this.#text[this.#at] ?? "") && /^\d+$/.test(this.#text.slice(word.at, word.end))) return;
    if (++this.#read > MOST_WORDS) throw new ShellError(`more than ${MOST_WORDS} words`, word.at);
    this.#words.push(word);
    this.#assignment(word);
  }

  #operator(): void {
    const sign = /^(?:&&|\|\||;;|[;&|()])/.exec(this.#text.slice(this.#at, this.#at + 2))![0];
    this.#at += sign.length;
    this.#finish(sign);
  }

  #finish(sign: string): void {
    const [first, ...others] = this.#inside;
    const inside = first ? [{ ...first, before: this.#before }, ...others] : [];
    if (this.#words.length > 0)
      this.#commands.push({ words: this.#words, before: this.#before, input: this.#input, inside });
    if (this.#words.length > 0 || sign !== ";") this.#before = sign;
    this.#words = [];
    this.#inside = [];
    this.#input = undefined;
  }

  /** `> file`, `2>&1`, `< file`: the file is no word of the command. */
  #redirection(): void {
    while (/[<>&]/.test(this.#text[this.#at] ?? "")) this.#at++;
    while (/[ \t]/.test(this.#text[this.#at] ?? "")) this.#at++;
    if (!SPECIAL.test(this.#text[this.#at] ?? " ")) this.#word();
  }

  #hereDocument(): void {
    const isString = this.#text.startsWith("<<<", this.#at);
    this.#at += isString ? 3 : 2;
    const strip = !isString && this.#text[this.#at] === "-";
    if (strip) this.#at++;
    while (/[ \t]/.test(this.#text[this.#at] ?? "")) this.#at++;
    if (this.#at >= this.#text.length) return;
    const start = this.#at;
    const word = this.#word();
    if (isString) return void (this.#input = word);
    const written = this.#text.slice(start, word.end);
    const quoted = /["'\\]/.test(written);
    const command = { give: (input: Word) => void (this.#input = input) };
    this.#documents.push({ end: written.replaceAll(/["'\\]/g, ""), quoted, strip, ...command });
  }

  #readDocuments(): void {
    for (const { end, quoted, strip, give } of this.#documents) {
      const start = this.#at;
      let stop = start;
      for (;;) {
        if (stop >= this.#text.length) throw new ShellError("a here-document without its end", Math.max(0, start - 1));
        const lineEnd = this.#lineEnd(stop);
        const line = this.#text.slice(stop, lineEnd).replace(/\r$/, "");
        if ((strip ? line.replace(/^\t+/, "") : line) === end) {
          this.#at = Math.min(this.#text.length, lineEnd + 1);
          break;
        }
        stop = lineEnd + 1;
      }
      const written = this.#text.slice(start, stop);
      const parts = quoted ? [written] : this.#expanded(written);
      give({ parts, at: start, end: stop, exactAt: parts.length === 1 ? start : undefined });
    }
    this.#documents = [];
  }

  #lineEnd(from = this.#at): number {
    const end = this.#text.indexOf("\n", from);
    return end < 0 ? this.#text.length : end;
  }

  #word(): Word {
    const at = this.#at;
    const parts: Part[] = [];
    let pieces = 0;
    while (this.#at < this.#text.length && !SPECIAL.test(this.#text[this.#at]!)) {
      for (const part of this.#piece()) parts.push(part);
      pieces++;
    }
    const [only] = parts;
    const inner = at + (/["']/.test(this.#text[at] ?? "") ? 1 : 0);
    const isPlain =
      pieces === 1 && parts.length === 1 && typeof only === "string" && this.#text.startsWith(only, inner);
    return { parts: concat(parts), at, end: this.#at, exactAt: isPlain ? inner : undefined };
  }

  #piece(): readonly Part[] {
    const text = this.#text;
    const character = text[this.#at]!;
    if (character === "'") return [this.#until("'")];
    if (character === '"') return this.#doubleQuoted();
    if (character === "$") return this.#dollar(0);
    if (character === "`") return this.#backticks();
    if (character === "\\") {
      this.#at += 2;
      return [text[this.#at - 1] ?? ""];
    }
    const from = this.#at;
    while (this.#at < text.length && !/[\s;&|<>()"'$`\\]/.test(text[this.#at]!)) this.#at++;
    return [text.slice(from, this.#at)];
  }

  #until(quote: string): string {
    const end = this.#text.indexOf(quote, this.#at + 1);
    if (end < 0) throw new ShellError(`a ${quote} without its end`, this.#at);
    const inside = this.#text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return inside;
  }

  #backticks(): readonly Part[] {
    const start = this.#at + 1;
    this.#look(start, this.#until("`"));
    return [HOLE];
  }

  /** Reads the commands of a part of the script, which become those inside the command that is being read. */
  #look(start: number, part: string): void {
    if (this.#depth >= DEEPEST || !MAY_SEND.test(part)) return;
    try {
      const found = new Scanner(part, this.#depth + 1, this.#variables).commands();
      for (const command of placed(found, start)) this.#inside.push(command);
    } catch (error) {
      if (error instanceof ShellError) throw new ShellError(error.message, error.at + start);
      throw error;
    }
  }

  #doubleQuoted(): readonly Part[] {
    const start = this.#at++;
    const parts: Part[] = [];
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) throw new ShellError('a " without its end', start);
      if (character === '"') break;
      if (character === "\\") {
        const next = this.#text[this.#at + 1] ?? "";
        parts.push(/["\\$`\n]/.test(next) ? next.trim() : `\\${next}`);
        this.#at += 2;
      } else if (character === "$") for (const part of this.#dollar(0)) parts.push(part);
      else if (character === "`") parts.push(...this.#backticks());
      else {
        const from = this.#at;
        while (this.#at < this.#text.length && !/["\\$`]/.test(this.#text[this.#at]!)) this.#at++;
        parts.push(this.#text.slice(from, this.#at));
      }
    }
    this.#at++;
    return concat(parts);
  }

  /** `$NAME`, `${NAME…}`, `$(…)`, `$'…'`. */
  #dollar(depth: number): readonly Part[] {
    const next = this.#text[++this.#at] ?? "";
    if (next === "'") return [this.#until("'")];
    if (next === "(" || next === "{") return this.#bracket(next, depth);
    NAME.lastIndex = this.#at;
    const name = NAME.exec(this.#text)?.[0];
    if (name !== undefined) {
      this.#at += name.length;
      return this.#variable(name);
    }
    if (/[0-9@*#?$!-]/.test(next)) {
      this.#at++;
      return [HOLE];
    }
    return ["$"];
  }

  #bracket(open: string, depth: number): readonly Part[] {
    const start = this.#at;
    const close = open === "(" ? ")" : "}";
    let level = 0;
    if (depth > DEEPEST) throw new ShellError("brackets nested too deeply", start);
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at];
      if (character === "'" && open === "(") {
        this.#until("'");
        this.#at--;
      } else if (character === '"' && open === "(") this.#skipQuoted();
      else if (character === "\\") this.#at++;
      else if (character === open) level++;
      else if (character === close && --level === 0) {
        const inside = this.#text.slice(start + 1, this.#at++);
        if (open === "(") {
          if (!inside.startsWith("(")) this.#look(start + 1, inside);
          return [HOLE];
        }
        const [, name, fallback] = /^(\w+)(?::?[-=](.*))?/s.exec(inside) ?? [];
        const value = name === undefined ? [HOLE] : this.#variable(name);
        // An address that the environment may replace: the one that the script names.
        return fallback?.startsWith("http") && value.every((part) => typeof part !== "string") ? [fallback] : value;
      }
    }
    throw new ShellError(`a $${open} without its ${close}`, start - 1);
  }

  /** To the closing quote. */
  #skipQuoted(): void {
    const start = this.#at++;
    for (; this.#text[this.#at] !== '"'; this.#at++) {
      if (this.#text[this.#at] === "\\") this.#at++;
      if (this.#at >= this.#text.length) throw new ShellError('a " without its end', start);
    }
  }

  #variable(name: string): readonly Part[] {
    if (name === "GSW_RECORD_URI") return [RECORD_URI];
    return this.#variables.get(name) ?? [HOLE];
  }

  #expanded(written: string): readonly Part[] {
    const outer = this.#at;
    const inner = new Scanner(`"${written.replaceAll('"', '\\"')}"`, DEEPEST, this.#variables);
    const parts = inner.#doubleQuoted();
    this.#at = outer;
    return parts;
  }

  /** `NAME=text`; a second value makes it unknown, because the order of a script is not followed. */
  #assignment({ parts }: Word): void {
    const [first, ...rest] = parts;
    const [all, name] = typeof first === "string" ? (/^([A-Za-z_]\w*)=/.exec(first) ?? []) : [];
    if (all === undefined || name === undefined || typeof first !== "string") return;
    const value = concat([first.slice(all.length)], rest);
    const isKnown = !this.#variables.has(name) && value.length <= MOST_PARTS;
    this.#variables.set(name, isKnown ? value : undefined);
  }
}
