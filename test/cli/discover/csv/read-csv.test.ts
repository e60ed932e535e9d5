import { describe, expect, it } from "vitest";
import { CsvFault, readCsv } from "../../../../src/cli/discover/csv/read-csv.ts";

const read = (text: string | Uint8Array) => readCsv(typeof text === "string" ? Buffer.from(text) : text);
const fields = (text: string): readonly Record<string, string>[] => read(text).rows.map((row) => ({ ...row.fields }));

describe("a CSV file", () => {
  it.each([
    ["commas", "a,b\n1,2\n", [{ a: "1", b: "2" }]],
    ["semicolons", "a;b\n1;2,5\n", [{ a: "1", b: "2,5" }]],
    ["line ends of Windows", "a,b\r\n1,2\r\n", [{ a: "1", b: "2" }]],
    ["line ends of old Macs", "a,b\r1,2\r", [{ a: "1", b: "2" }]],
    ["no line end at the end", "a,b\n1,2", [{ a: "1", b: "2" }]],
    ["blank lines at the end", "a,b\n1,2\n\n\r\n", [{ a: "1", b: "2" }]],
    ["a byte order mark", "\ufeffa,b\n1,2\n", [{ a: "1", b: "2" }]],
    ["quotes", '"a",b\n"1","2"\n', [{ a: "1", b: "2" }]],
    ["a separator in quotes", 'a,b\n"x,y","p;q"\n', [{ a: "x,y", b: "p;q" }]],
    ["doubled quotes", 'a,b\n"say ""hi""",\n', [{ a: 'say "hi"', b: "" }]],
    ["line breaks in quotes", 'a,b\n"x\r\ny",2\n', [{ a: "x\r\ny", b: "2" }]],
    ["separators in quotes of the header", '"a;b",c\n1,2\n', [{ "a;b": "1", c: "2" }]],
    ["columns with blanks and capitals", " A ,B\n1,2\n", [{ a: "1", b: "2" }]],
    ["blanks in fields, which count", "a,b\n 1 , 2\n", [{ a: " 1 ", b: " 2" }]],
    ["one column", "a\nx\n", [{ a: "x" }]],
    ["a header alone", "a,b\n", []],
  ])("is read with %s", (_, text, wanted) => {
    expect(fields(text)).toEqual(wanted);
  });

  it("names the line in which each row begins", () => {
    expect(read('a,b\n"x\ny\nz",1\np,2\n').rows.map(({ line }) => line)).toEqual([2, 5]);
  });

  it.each<[string, string | Uint8Array, number, string]>([
    ["nothing", "", 1, "the file is empty"],
    ["too few fields", "a,b\n1,2\n1\n", 3, "1 fields, but the header names 2 columns"],
    ["too many fields", "a,b\n1,2,3\n", 2, "3 fields"],
    ["a quote inside a field", 'a,b\n1,x"y\n', 2, 'a quote (") inside a field'],
    ["text after a closing quote", 'a,b\n"x"y,2\n', 2, "text after the closing quote"],
    ["text after a closing quote, lines later", 'a,b\n"x\n\n"y,2\n', 4, "text after the closing quote"],
    ["a quote that is not closed", 'a,b\n1,2\n"x,2\n', 3, "is not closed"],
    ["a column without a name", "a,\n1,2\n", 1, "column 2 has no name"],
    ["a column named twice", "a,A\n1,2\n", 1, "the column a is named twice"],
    ["commas and semicolons in the header", "a,b;c\n1,2\n", 1, "commas and semicolons"],
    ["a blank line within", "a,b\n1,2\n\n3,4\n", 3, "a blank line"],
    ["a control character", "a,b\n1,\u0001\n", 2, "a control character"],
    ["a NUL", "a,b\n1,\u0000\n", 2, "a control character"],
    ["UTF-16", Buffer.from("\ufeffa,b\n", "utf16le"), 1, "UTF-16"],
    ["Latin-1", Buffer.from("a,b\nok,1\nÜber,2\n", "latin1"), 3, "not UTF-8"],
  ])("is refused for %s, with its line", (_, text, line, why) => {
    let found: unknown;
    try {
      read(text);
    } catch (error) {
      found = error;
    }
    expect(found).toBeInstanceOf(CsvFault);
    expect([(found as CsvFault).line, (found as CsvFault).message]).toEqual([line, expect.stringContaining(why)]);
  });
});
