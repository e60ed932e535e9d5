/** A Content-Type as RFC 9110, 8.3.1 writes it: type/subtype, then parameters; a `;` may have none behind it. */

export type ContentType = {
  /** type/subtype in small letters. */
  readonly type: string;
  /** In small letters and without quotes; undefined where none is given. */
  readonly charset: string | undefined;
};

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t !#-\\[\\]-~]|\\\\[\\t -~])*"';
const TYPE = new RegExp(`^(${TOKEN}/${TOKEN})[ \\t]*((?:;.*)?)$`);
const PARAMETER = new RegExp(`;[ \\t]*(?:(${TOKEN})=(${TOKEN}|${QUOTED})[ \\t]*)?`, "y");

/** What nearly every client sends. */
const USUAL: ReadonlyMap<string, ContentType> = new Map([
  ["application/json", { type: "application/json", charset: undefined }],
  ["application/json; charset=utf-8", { type: "application/json", charset: "utf-8" }],
  ["application/json;charset=UTF-8", { type: "application/json", charset: "utf-8" }],
]);

/** Undefined for anything else, and where there are two charsets. */
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

/** A body in UTF-8 is the only one that JSON knows (RFC 8259, 8.1). The IANA name has a hyphen; many write it without. */
export const isUtf8 = (charset: string): boolean => charset === "utf-8" || charset === "utf8";
