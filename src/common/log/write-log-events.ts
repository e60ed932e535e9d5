/** `node src/common/log/write-log-events.ts` writes src/docs/reference/log-events.md from the table of events. */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { EventRow } from "./event-row.ts";
import { SUBJECTS } from "./event-table.ts";

const HEAD = `# Log events

Generated from the table in \`src/common/log/event-table.ts\` by \`node src/common/log/write-log-events.ts\`.

The gateway logs to stderr. A program gets one JSON object per line: \`time\`, \`level\` (30 info, 40 warn, 50 error),
\`event\` (the name of a row below), the row's fields, and \`msg\`, which says what happened and then what to do. A
person at a terminal gets time, level, \`msg\` and the fields that \`msg\` does not show; warnings and errors also have
the event's name. \`OCSGW_LOG_FORMAT\` (\`json\` or \`text\`) decides for both. \`OCSGW_LOG\` sets the level (default
\`info\`; \`silent\` turns the log off). No line has a phone number, a customer id, a field of a record or a credential.

In alert rules match \`event\`: names stay, texts may be improved.
`;

const heading = (subject: string): string =>
  `\n## ${subject}\n\n| event | level | what happened | what to do | fields |\n| --- | --- | --- | --- | --- |\n`;

const cell = (text: string): string => text.replaceAll("|", String.raw`\|`);

const fieldsOf = ({ fields }: EventRow): string =>
  Object.entries(fields)
    .map(([name, { meaning, isOptional }]) => `\`${name}\`${isOptional ? " (optional)" : ""}: ${meaning}`)
    .join("; ");

const lineOf = ([name, row]: readonly [string, EventRow]): string =>
  `| \`${name}\` | ${row.level} | ${cell(row.message)} | ${cell(row.action ?? "nothing")} | ${cell(fieldsOf(row))} |\n`;

export const logEventsPage = (): string =>
  HEAD + SUBJECTS.map(([subject, rows]) => heading(subject) + Object.entries(rows).map(lineOf).join("")).join("");

export const LOG_EVENTS_PAGE = fileURLToPath(new URL("../../docs/reference/log-events.md", import.meta.url));

if (import.meta.main) await writeFile(LOG_EVENTS_PAGE, logEventsPage());
