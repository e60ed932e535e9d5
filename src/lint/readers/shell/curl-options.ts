/** The options of curl that say what it sends. */
import { plain, type Word } from "./command.ts";

export type Option = { readonly name: string; readonly value: Word | undefined };

const SHORT: Readonly<Record<string, string>> = {
  X: "request",
  b: "cookie",
  d: "data",
  H: "header",
  u: "user",
  U: "proxy-user",
  F: "form",
  G: "get",
  I: "head",
  T: "upload-file",
  E: "cert",
  K: "config",
};
/** Letters of other options that take a value, so that it is not read as a URL. */
const OTHER_WITH_VALUE = "AcCDehmoPQrtwxyYz";
const WITH_VALUE: ReadonlySet<string> = new Set(
  [
    "request data data-raw data-binary data-ascii data-urlencode json header user proxy-user form form-string url",
    "retry user-agent cookie cookie-jar continue-at dump-header referer cert config max-time output quote range",
    "write-out proxy speed-time speed-limit time-cond cacert capath key key-type cert-type ciphers connect-timeout",
    "limit-rate resolve connect-to interface retry-delay retry-max-time trace trace-ascii stderr unix-socket",
    "upload-file noproxy max-redirs oauth2-bearer aws-sigv4 keepalive-time netrc-file pass pinnedpubkey proto",
    "proto-default tls-max url-query variable expand-data expand-url expand-header rate parallel-max proxy-header",
    "proxy-cert proxy-key proxy-pass proxy-cacert tlsuser tlspassword proxy-tlsuser proxy-tlspassword output-dir",
    "preproxy socks4 socks4a socks5 socks5-hostname crlfile curves dns-servers doh-url engine etag-compare",
    "etag-save expect100-timeout hsts alt-svc abstract-unix-socket local-port login-options max-filesize",
    "proto-redir pubkey random-file request-target service-name tls13-ciphers create-file-mode haproxy-clientip",
  ]
    .join(" ")
    .split(" "),
);

/** The options in order, and the URLs: `--url`, and words that are no option's value. */
export const optionsOf = (
  words: readonly Word[],
): { readonly options: readonly Option[]; readonly urls: readonly Word[] } => {
  const options: Option[] = [];
  const urls: Word[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const text = plain(word);
    const found = text.startsWith("--") ? longOption(text) : /^-[A-Za-z#]/.test(text) ? shortOption(word, text) : [];
    if (found.length === 0) {
      urls.push(word);
      continue;
    }
    for (const { name, value, takesValue } of found) {
      const given = takesValue && !value ? words[++at] : value;
      options.push({ name, value: given });
      if (name === "url" && given) urls.push(given);
    }
  }
  return { options, urls };
};

type Found = { readonly name: string; readonly value: Word | undefined; readonly takesValue: boolean };

const longOption = (text: string): readonly Found[] => {
  const name = text.slice(2);
  return [{ name, value: undefined, takesValue: WITH_VALUE.has(name) }];
};

/** `-sSX POST`, `-XPOST`, `-d@file`: letters up to the first that takes a value, which may follow at once. */
const shortOption = (word: Word, text: string): readonly Found[] => {
  const found: Found[] = [];
  for (let at = 1; at < text.length; at++) {
    const letter = text[at]!;
    const name = SHORT[letter] ?? letter;
    const takesValue = WITH_VALUE.has(name) || OTHER_WITH_VALUE.includes(letter);
    const rest = takesValue && at + 1 < text.length ? tail(word, at + 1) : undefined;
    found.push({ name, value: rest, takesValue });
    if (takesValue) break;
  }
  return found;
};

/** The word without its first characters, which are no hole. */
const tail = (word: Word, length: number): Word => {
  const [first, ...rest] = word.parts;
  const head = typeof first === "string" ? first.slice(length) : "";
  return { parts: [...(head === "" ? [] : [head]), ...rest], at: word.at + length, end: word.end, exactAt: undefined };
};
