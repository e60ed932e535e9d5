/** Parses a Content-Type (RFC 9110, 8.3.1): type/subtype and parameters, with empty parameters allowed. */

export type ContentType = {
  /** type/subtype in lower case. */
  readonly type: string;
  /** In lower case and without quotes; undefined when absent. */
  readonly charset: string | undefined;
};

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*"';
const TYPE = new RegExp(`^(${TOKEN}/${TOKEN})[ \\t]*((?:;.*)?)$`);
const PARAMETER = new RegExp(`;[ \\t]*(?:(${TOKEN})=(${TOKEN}|${QUOTED})[ \\t]*)?`, "y");

/** The values of nearly all clients, to save parsing. */
const USUAL: ReadonlyMap<string, ContentType> = new Map([
  ["application/json", { type: "application/json", charset: undefined }],
  ["application/json; charset=utf-8", { type: "application/json", charset: "utf-8" }],
  ["application/json;charset=UTF-8", { type: "application/json", charset: "utf-8" }],
]);

/** Undefined when the value is malformed or has two charsets. */
export const readContentType = (value: string): ContentType | undefined => {
  const usual = USUAL.get(value);
  if (usual) return usual;
  const [, type, parameters = ""] = TYPE.exec(value.trim()) ?? [];
  if (type === undefined) return undefined;
  let charset: string | undefined;
  PARAMETER.lastIndex = 0;
  while (PARAMETER.lastIndex < parameters.length) {
    const found = PARAMETER.exec(parameters);
    if (!found) return undefined;
    const [, name, text] = found;
    if (name?.toLowerCase() !== "charset") continue;
    if (charset !== undefined) return undefined;
    charset = unquoted(text!).toLowerCase();
  }
  return { type: type.toLowerCase(), charset };
};

const unquoted = (text: string): string => (text.startsWith('"') ? text.slice(1, -1).replaceAll(/\\(.)/g, "$1") : text);

/** `charset` in lower case. JSON must be UTF-8 (RFC 8259, 8.1); "utf8" is a common misspelling of the IANA name. */
export const isUtf8 = (charset: string): boolean => charset === "utf-8" || charset === "utf8";
