/** Which bytes of a file a request wants (RFC 9110, 14). */

/** From byte `from` to before `to`. */
export type ByteRange = { readonly from: number; readonly to: number };

const ONE = /^bytes=(\d{0,15})-(\d{0,15})$/;

/**
 * `whole`: the reply is the whole file, also for several ranges or an unknown unit, which a server may ignore.
 * `unsatisfiable`: the range begins after the end of the file.
 */
export const byteRange = (header: string | undefined, size: number): ByteRange | "whole" | "unsatisfiable" => {
  const [, first = "", last = ""] = ONE.exec(header?.replaceAll(/\s/g, "") ?? "") ?? [];
  if (first === "" && last === "") return "whole";
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { from: size - length, to: size };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return "whole";
  if (from >= size) return "unsatisfiable";
  return { from, to: last === "" ? size : Math.min(Number(last) + 1, size) };
};
