/** Decodes JSON bytes: UTF-8 without a BOM. */
import { JsonFault } from "./json-fault.ts";

const lenientUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const BOM = "\ufeff";

/** Throws JsonFault with the invalid byte and the likely encoding. */
export const decodeJson = (bytes: Uint8Array): string => {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    throw notUtf8(bytes);
  }
  if (text.startsWith(BOM))
    throw new JsonFault("a byte order mark (BOM) in front of the text; send UTF-8 without one", text, 0);
  return text;
};

/** The JsonFault for bytes that are not UTF-8. */
const notUtf8 = (bytes: Uint8Array): JsonFault => {
  if (endsInsideCharacter(bytes))
    return new JsonFault(
      "bytes that are not UTF-8: the last character is truncated",
      lenientUtf8.decode(bytes),
      bytes.length,
      true,
    );
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return new JsonFault("bytes that are not UTF-8 but UTF-16; send UTF-8", "", 0);
  const before = validLength(bytes);
  const found = bytes[before]!;
  // In Latin-1 and Windows-1252 an accented letter is one byte, and the next byte is usually ASCII.
  const likely = found >= 0xa0 && !((bytes[before + 1] ?? 0) >= 0x80) ? " (it looks like Latin-1)" : "";
  const text = strictUtf8.decode(bytes.subarray(0, before));
  return new JsonFault(
    `bytes that are not UTF-8: 0x${found.toString(16).toUpperCase()}${likely}; send UTF-8`,
    text,
    text.length,
  );
};

/** The length of the longest prefix of complete UTF-8 characters, by bisection. */
const validLength = (bytes: Uint8Array): number => {
  let [good, bad] = [0, bytes.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUtf8Prefix(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  // The invalid character begins up to three bytes earlier.
  while (good > 0 && !isUtf8(bytes.subarray(0, good))) good--;
  return good;
};

const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
};

/** True if only the last character is incomplete, because the body was truncated. */
const endsInsideCharacter = (bytes: Uint8Array): boolean => !isUtf8(bytes) && isUtf8Prefix(bytes);

/** True for UTF-8 whose last character may be incomplete. */
const isUtf8Prefix = (bytes: Uint8Array): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
};
