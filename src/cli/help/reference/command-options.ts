/** Arguments and options of every command, read from the program itself. */
import type { Argument, Command, Option } from "commander";
import { parts, table } from "../../../documentation/made/markdown-text.ts";

export const optionsText = (program: Command): string =>
  parts(...leaves(program, []).map(([name, command]) => commandText(name, command))).trimEnd();

/** Commands that do something, also if they have subcommands. */
const leaves = (command: Command, path: readonly string[]): readonly (readonly [string, Command])[] =>
  command.commands.flatMap((each) => {
    const name = [...path, each.name()];
    const isGroup = each.commands.length > 0 && each.options.length === 0 && each.registeredArguments.length === 0;
    return [...(isGroup ? [] : [[name.join(" "), each] as const]), ...leaves(each, name)];
  });

const commandText = (name: string, command: Command): string => {
  const { registeredArguments: given, options } = command;
  const rows = [
    ...given.map((each) => [`\`${written(each)}\``, each.description, ""]),
    ...options.filter(({ hidden }) => !hidden).map((each) => [`\`${each.flags}\``, each.description, fallback(each)]),
  ];
  return parts(
    `## ${name}`,
    `${command.description()}.`,
    rows.length === 0 ? undefined : table(["", "meaning", "default"], rows),
  ).trimEnd();
};

const written = (argument: Argument): string => {
  const name = `${argument.name()}${argument.variadic ? "…" : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
};

const fallback = ({ defaultValue, envVar, mandatory }: Option): string => {
  if (mandatory) return "required";
  if (envVar !== undefined) return `\`${envVar}\``;
  return defaultValue === undefined || defaultValue === "" ? "" : `\`${String(defaultValue)}\``;
};
