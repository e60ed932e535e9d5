/** The commands of the program as rows, from which the completion of each shell is made. */
import type { Argument, Command, Option } from "commander";

export type Value =
  | { readonly kind: "file" | "folder" | "text" }
  | { readonly kind: "choice"; readonly of: readonly string[] };

export type OptionRow = {
  /** For example -c and --config. */
  readonly flags: readonly string[];
  readonly description: string;
  /** Undefined: the option takes no value. */
  readonly value: Value | undefined;
};

export type CommandRow = {
  /** The words after the program's name; none for the program itself. */
  readonly words: readonly string[];
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly OptionRow[];
  /** Of the first argument that a shell can complete. */
  readonly argument: Value | undefined;
};

/** The program first, then its commands in the order of the help. Hidden ones are left out. */
export const commandRows = (command: Command, words: readonly string[] = []): readonly CommandRow[] => {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const row: CommandRow = {
    words,
    commands: commands.map((each) => ({ name: each.name(), description: help.subcommandDescription(each) })),
    options: help.visibleOptions(command).map(optionRow),
    argument: command.registeredArguments.map(valueOf).find(({ kind }) => kind !== "text"),
  };
  // `help` is commander's own and has no row: it takes the names of commands.
  const own = commands.filter((each) => command.commands.includes(each));
  return [row, ...own.flatMap((each) => commandRows(each, [...words, each.name()]))];
};

const optionRow = (option: Option): OptionRow => ({
  flags: [option.short, option.long].filter((flag) => flag !== undefined),
  description: firstSentence(option.description),
  value: option.required || option.optional ? valueOf(option) : undefined,
});

/** The placeholder says what is meant: <file>, <files...>, <dir>, <path>. */
const valueOf = (of: Argument | Option): Value => {
  if (of.argChoices !== undefined) return { kind: "choice", of: of.argChoices };
  const placeholder = "flags" in of ? (/[<[]([^>\]]*)[>\]]/.exec(of.flags)?.[1] ?? "") : of.name();
  if (/^(other-)?(files?|path|segment)\b/.test(placeholder)) return { kind: "file" };
  return { kind: /^(dir|directory|folder)\b/.test(placeholder) ? "folder" : "text" };
};

/** Descriptions have one line, and stand between quotes of a shell. */
const firstSentence = (text: string): string =>
  text
    .split(/[.;:] |\n/)[0]!
    .replace(/\s+/g, " ")
    .trim();
