/**
 * Reads CSV strictly (RFC 4180): quotes only around whole fields, as many fields in each row as in the header. Commas
 * or semicolons, whichever the header has; line ends of any system; a byte order mark. A text that could be read in two
 * ways is refused with its line.
 */

/** What is wrong, and where. */
export class CsvFault extends Error {
  readonly line: number;
  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** `line`: where the row begins, from 1. `fields`: by the column's name. */
export type CsvRow = { readonly line: number; readonly fields: Readonly<Record<string, string>> };
export type Csv = { readonly columns: readonly string[]; readonly rows: readonly CsvRow[] };

type Record_ = { readonly line: number; readonly fields: readonly string[] };

/** Throws CsvFault. */
export const readCsv = (bytes: Uint8Array): Csv => {
  const text = decoded(bytes);
  const [header, ...rows] = recordsIn(text, separatorOf(text));
  if (!header) throw new CsvFault(1, "the file is empty; its first line names the columns");
  const columns = header.fields.map((name) => name.trim().toLowerCase());
  for (const [at, name] of columns.entries()) {
    if (name === "") throw new CsvFault(header.line, `column ${at + 1} has no name`);
    if (columns.indexOf(name) < at) throw new CsvFault(header.line, `the column ${name} is named twice`);
  }
  return { columns, rows: rows.map((row) => named(row, columns)) };
};

const named = ({ line, fields }: Record_, columns: readonly string[]): CsvRow => {
  if (fields.length !== columns.length)
    throw new CsvFault(line, `${fields.length} fields, but the header names ${columns.length} columns`);
  return { line, fields: Object.fromEntries(columns.map((name, at) => [name, fields[at]!])) };
};

const decoded = (bytes: Uint8Array): string => {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw new CsvFault(1, "the file is UTF-16; save it as CSV in the encoding UTF-8");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new CsvFault(lineOfFault(bytes), "not UTF-8; save the file in the encoding UTF-8");
  }
};

/** The first line that is not UTF-8. */
const lineOfFault = (bytes: Uint8Array): number => {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, from);
    const part = bytes.subarray(from, end === -1 ? bytes.length : end);
    if (new TextDecoder().decode(part).includes("\ufffd") && !isUtf8(part)) return line;
    if (end === -1) return line;
    from = end + 1;
  }
  return line;
};

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
};

const separatorOf = (text: string): string => {
  const header = /^[^\r\n]*/.exec(text)![0].replaceAll(/"[^"]*"/g, "");
  const [commas, semicolons] = [header.includes(","), header.includes(";")];
  if (commas && semicolons)
    throw new CsvFault(1, "the header has commas and semicolons; separate the columns by one of them");
  return semicolons ? ";" : ",";
};

// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** The records; a line break at the end of the file begins no further one. */
const recordsIn = (text: string, separator: string): readonly Record_[] => {
  const records: Record_[] = [];
  let [at, line] = [0, 1];
  while (at < text.length) {
    const begun = line;
    const fields: string[] = [];
    for (;;) {
      const field = fieldAt(text, { at, line, separator });
      fields.push(field.value);
      ({ at, line } = field);
      if (text[at] !== separator) break;
      at++;
    }
    if (text.startsWith("\r\n", at)) at += 2;
    else if (at < text.length) at++;
    line++;
    if (fields.length === 1 && fields[0] === "") {
      // Programs end their exports with blank lines.
      if (text.slice(at).trim() === "") break;
      throw new CsvFault(begun, "a blank line within the rows");
    }
    records.push({ line: begun, fields });
  }
  return records;
};

type Spot = { readonly at: number; readonly line: number; readonly separator: string };
type Field = { readonly value: string; readonly at: number; readonly line: number };

const fieldAt = (text: string, spot: Spot): Field => {
  const field = text[spot.at] === '"' ? quotedAt(text, spot) : plainAt(text, spot);
  if (CONTROL.test(field.value)) throw new CsvFault(spot.line, "a control character in a field");
  return field;
};

const isEnd = (text: string, at: number, separator: string): boolean =>
  at >= text.length || text[at] === separator || text[at] === "\n" || text[at] === "\r";

const plainAt = (text: string, { at: from, line, separator }: Spot): Field => {
  let at = from;
  while (!isEnd(text, at, separator)) {
    if (text[at] === '"')
      throw new CsvFault(line, 'a quote (") inside a field; put the whole field in quotes and double the quotes in it');
    at++;
  }
  return { value: text.slice(from, at), at, line };
};

const quotedAt = (text: string, { at: from, line, separator }: Spot): Field => {
  let end = from + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end === -1) throw new CsvFault(line, 'a quote (") that begins a field is not closed');
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  const value = text.slice(from + 1, end).replaceAll('""', '"');
  const last = line + (value.match(/\r\n|\n|\r/g)?.length ?? 0);
  if (!isEnd(text, end + 1, separator)) throw new CsvFault(last, 'text after the closing quote (") of a field');
  return { value, at: end + 1, line: last };
};
