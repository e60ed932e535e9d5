/** Completion for fish. */
import type { CommandRow, OptionRow, Value } from "./rows.ts";

const PROGRAM = "ocsgw";

export const fishCompletion = (rows: readonly CommandRow[]): string => `# fish completion for ocsgw
function __ocsgw_at
    set -l at
    set -l skip 0
    for word in (commandline -opc)[2..]
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch "$at $word"
${rows.flatMap(steps).join("\n")}
        end
    end
    test "$at" = "$argv[1]"
end
complete --command ${PROGRAM} -f
${rows.flatMap(offers).join("\n")}
`;

const at = ({ words }: CommandRow): string => words.map((word) => ` ${word}`).join("");
const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", String.raw`\'`)}'`;

const steps = (row: CommandRow): string[] => {
  const flags = row.options.filter(({ value }) => value !== undefined).flatMap((each) => each.flags);
  return [
    ...row.commands.map(({ name }) =>
      [
        `            case ${quoted(`${at(row)} ${name}`)}`,
        `                set at ${quoted(`${at(row)} ${name}`)}`,
      ].join("\n"),
    ),
    ...(flags.length === 0
      ? []
      : [
          `            case ${flags.map((flag) => quoted(`${at(row)} ${flag}`)).join(" ")}`,
          "                set skip 1",
        ]),
  ];
};

const offers = (row: CommandRow): string[] => {
  const when = `complete --command ${PROGRAM} -n ${quoted(`__ocsgw_at ${quoted(at(row))}`)}`;
  return [
    ...row.commands.map(({ name, description }) => `${when} -a ${quoted(name)} -d ${quoted(description)}`),
    ...row.options.map((option) => `${when} ${optionWords(option)}`),
    ...(row.argument === undefined ? [] : [`${when} ${valueWords(row.argument)}`]),
  ];
};

const optionWords = ({ flags, description, value }: OptionRow): string =>
  [
    ...flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)),
    ...(value === undefined ? [] : ["-r", valueWords(value)]),
    `-d ${quoted(description)}`,
  ].join(" ");

const valueWords = (value: Value): string => {
  if (value.kind === "choice") return `-f -a ${quoted(value.of.join(" "))}`;
  if (value.kind === "text") return "-f";
  return value.kind === "file" ? "-F" : `-f -a ${quoted("(__fish_complete_directories)")}`;
};
