/** One page for each code and each log event, from their tables, and the list of all. */
import { CODES, FAMILIES, familyOf, type Explained, type Reason } from "../codes.ts";
import { adviceList, parts, table } from "./markdown-text.ts";
import { pageOf, type Page } from "../page.ts";

export const fileOfCode = (id: string): string => `errors/${id}.md`;

const DELIVERY: Readonly<Record<string, string>> = {
  "not-sent": "nothing was sent to OCS",
  answered: "OCS answered",
  "sent-no-answer": "it was sent to OCS, which may have carried it out, and no usable answer came",
  varies: "each reply says it in `Ocsgw-Delivery`",
};

/** `others`: pages among which those are named that mention the code. */
export const codePages = (others: readonly Page[]): readonly Page[] => [
  pageOf("errors/README.md", listText()),
  ...CODES.map((code) => pageOf(fileOfCode(code.id), textOf(code, others))),
];

/** The page of one code, as Markdown. */
export const textOf = (code: Explained, others: readonly Page[] = []): string => {
  switch (code.kind) {
    case "reply":
      return replyText(code.id, code.what, code.reasons, others);
    case "config":
      return parts(
        `# ${code.id}: ${code.what}`,
        "For people who got this code from `ocsgw check`, `ocsgw reload` or a start of the gateway.",
        familyOf(code.id),
        `## What to do\n\n${code.help}`,
        "`ocsgw check -c FILE` shows the file, line and column, what was expected and what was found. A config that " +
          "is not valid never becomes active: the running one stays.",
        mentions(code.id, others),
      );
    case "lint":
      return parts(
        `# ${code.id}: ${code.what}`,
        `For people who got this code from \`ocsgw lint\`. Level: ${code.level}.`,
        familyOf(code.id),
        `## What to do\n\n${sentence(code.help)}`,
        "[Check clients' code](../how-to/check-clients-code.md) tells what the linter reads and how it judges.",
        mentions(code.id, others),
      );
    case "event":
      return parts(
        `# ${code.id}: a log event`,
        `For people who found this event in the gateway's log. Subject: ${code.subject}. Level: ${code.level}.`,
        `## What happened\n\n${inCode(code.what)}`,
        `## What to do\n\n${inCode(code.action ?? "Nothing.")}`,
        code.fields.length === 0
          ? undefined
          : `## Fields\n\n${table(
              ["field", "meaning"],
              code.fields.map(([name, meaning]) => [`\`${name}\``, inCode(meaning)]),
            )}`,
        mentions(code.id, others),
      );
  }
};

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;

/** `{name}` in a log message stands for the value of a field. */
const inCode = (text: string): string => text.replaceAll(/\{\w+\}|<[\w ]+>/g, (name) => `\`${name}\``);

const replyText = (id: string, what: string, reasons: readonly Reason[], others: readonly Page[]): string =>
  parts(
    `# ${id}: ${what}`,
    "For people whose request got this code in `Ocsgw-Code`, in the body of a reply, or who found it in the journal.",
    familyOf(id),
    ...reasons.flatMap((reason) => [
      `## ${reason.status}: ${reason.title}`,
      `How far the request got: ${DELIVERY[reason.delivery]} (\`${reason.delivery}\`).`,
      adviceList(reason.advice),
    ]),
    "## Find such requests",
    `\`ocsgw audit search -c FILE code:${id} --since 1d\` lists them, the console shows them at ` +
      `\`/flows?filter=code:${id}\`, and \`ocsgw_refusals_total{code="${id}"}\` counts them by tenant. ` +
      "`ocsgw explain -c FILE ID` tells the story of one request.",
    mentions(id, others),
  );

/** Made once for each page: there are hundreds of codes. */
const words = new WeakMap<Page, ReadonlySet<string>>();

const wordsOf = (page: Page): ReadonlySet<string> => {
  const known = words.get(page) ?? new Set(page.text.split(/[^\w-]+/));
  words.set(page, known);
  return known;
};

const mentions = (id: string, others: readonly Page[]): string | undefined => {
  const found = others.filter((page) => wordsOf(page).has(id));
  if (found.length === 0) return undefined;
  return `## Pages that mention it\n\n${found.map(({ file, title }) => `- [${title}](../${file})`).join("\n")}`;
};

const listText = (): string => {
  const rows = (kinds: readonly Explained["kind"][], digit?: number): readonly (readonly string[])[] =>
    CODES.filter(
      (code) => kinds.includes(code.kind) && (digit === undefined || code.id.startsWith(`OCSGW-${digit}`)),
    ).map(({ id, what }) => [`[${id}](${id}.md)`, inCode(what)]);
  return parts(
    "# Codes and log events",
    "Every code of this version, each with a page of its own. `ocsgw error CODE` prints the page.",
    ...FAMILIES.flatMap(([digit, about]) => [
      `## ${digit}xxx`,
      about,
      table(["code", "what"], rows(digit === 6 ? ["config", "lint"] : ["reply"], digit)),
    ]),
    "## Log events",
    "The member `event` of a line of the log.",
    table(["event", "what happened"], rows(["event"])),
  );
};
