/** Options that several commands share, and the parsers of their values. */
import { CommanderError, InvalidArgumentError, Option, type Command } from "commander";
import { rememberConfig } from "../process/given-config.ts";

/** commander gives parsed options without a type; each command declares its own. */
type Action = (options: any, ...given: (string | undefined)[]) => Promise<number>;

export const CONFIG_FILE = "config/ocsgw.yaml";
export const CONFIG = ["-c, --config <file>", "config file", CONFIG_FILE] as const;
export const JSON_OUT = ["--json", "print JSON"] as const;
export const CONTROL = ["--url <url>", "control address of the sandbox", "http://127.0.0.1:18090/sandbox"] as const;
export const ADMIN_URL = ["--url <url>", "address of the admin listener (default: the one in the config)"] as const;

const TOKEN =
  "token of the admin API (default: the file admin.token in audit.dir, which exists while the gateway runs)";

export const adminToken = (flags = "--token <token>"): Option => new Option(flags, TOKEN).env("OCSGW_ADMIN_TOKEN");

/** An option that may be given several times. */
export const repeatable = (flags: string, description: string): Option =>
  new Option(flags, `${description}; may be given several times`).argParser(
    (value: string, before?: readonly string[]): readonly string[] => [...(before ?? []), value],
  );

export const wrongUsage = (message: string): CommanderError => new CommanderError(2, "usage", message);

/**
 * Runs the action of a command with its typed options and sets the process's exit code. commander passes the arguments,
 * then the options, then the command. An option that a parent command also has (--seed of sandbox) is read from there.
 */
export const done =
  (action: Action) =>
  async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command;
    const options = Object.entries(command.optsWithGlobals()).map(([name, value]) => [name, unmarked(value)]);
    const named = Object.fromEntries(options) as { readonly config?: string };
    rememberConfig(named.config);
    process.exitCode = await action(named, ...(given.slice(0, -2).map(unmarked) as (string | undefined)[]));
  };

/** Precedes a word that commander must not read as an option. Users cannot type it. */
const MARK = "\0";

/** A negated term of a filter: -key:value, -(…), -"…", or a negated request id, code or address. */
const NEGATED = /^-(?:[A-Za-z][\w.]+:|[\d("/]|OCSGW-\d)/i;
/** -c with a path of Windows attached. */
const CONFIG_AT_DRIVE = /^-c[A-Za-z]:[\\/]/;

/** Marks negated terms: commander would read -client:x as -c with the value lient:x. */
export const marked = (words: readonly string[]): string[] => {
  const command = words.slice(2, 4).join(" ");
  const takesFilter = words[2] === "flows" || ["audit search", "audit export", "logs tail"].includes(command);
  return words.map((word) => (takesFilter && NEGATED.test(word) && !CONFIG_AT_DRIVE.test(word) ? MARK + word : word));
};

const unmarked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(unmarked);
  return typeof value === "string" && value.startsWith(MARK) ? value.slice(MARK.length) : value;
};

// The parsers of options' values: commander adds the name of the option and the value to their messages.
export const wholeNumber = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
};

export const dialRate = (text: string): number => {
  if (!/^(\d{1,5}|\d{0,5}\.\d{1,6})$/.test(text) || Number(text) > 10_000)
    throw new InvalidArgumentError("expected a number of records per second from 0 to 10000");
  return Number(text);
};

export const address = (text: string): string => {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError("expected an http or https address");
  return text;
};

export const origin = (text: string): string => new URL(address(text)).origin;

export const port = (text: string): number => {
  if (wholeNumber(text) > 65_535) throw new InvalidArgumentError("expected a port from 0 to 65535");
  return Number(text);
};

export const bindAddress = (text: string): { readonly host: string; readonly port: number } => {
  const [, host, number] = /^(\[[0-9A-Fa-f:.]+\]|[0-9.]+|localhost):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(number) > 65_535)
    throw new InvalidArgumentError("expected an address and a port, for example 127.0.0.1:7654 or [::1]:7654");
  return { host: host.replace(/^\[|\]$/g, ""), port: Number(number) };
};
