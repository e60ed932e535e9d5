/** Parts of Markdown pages that are made from tables. */

/** A cell of a table: a bar would end it. */
export const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ");

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(" | ")} |`).join("\n");

/** Parts with an empty line between them; empty ones are left out. Ends with a line break. */
export const parts = (...texts: readonly (string | undefined)[]): string =>
  `${texts.filter((text) => text !== undefined && text !== "").join("\n\n")}\n`;

/** `Client: … Operator: …` as a list, one item for each who does something. */
export const adviceList = (advice: string): string =>
  advice
    .split(/\s*\b(?=(?:Client|Operator|Registrar): )/)
    .filter(Boolean)
    .map((part) => `- ${part.replace(/^(Client|Operator|Registrar): /, "**$1:** ")}`)
    .join("\n");
