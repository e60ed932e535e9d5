/**
 * Ready requests in the languages of OCS's clients, one for each row of the action table. All of them take the address
 * of the gateway, the client's key and the file of the CA from OCSGW_URL, OCSGW_KEY and OCSGW_CA, if the language can
 * read its environment.
 */
import type { Action } from "../../ocs/catalog.ts";
import { csharp } from "./csharp.ts";
import { curl } from "./curl.ts";
import { gvp } from "./gvp.ts";
import { java } from "./java.ts";
import { ors } from "./ors.ts";
import { python } from "./python.ts";
import { sampleOf, type SnippetRequest } from "./request.ts";
import { typescript } from "./typescript.ts";

export type SnippetLanguage = "curl" | "ors" | "gvp" | "java" | "csharp" | "python" | "typescript";

export type Snippet = {
  readonly language: SnippetLanguage;
  readonly title: string;
  /** The word after the three backticks of a Markdown block. */
  readonly fence: string;
  /** True if the tests of this package execute it against a gateway. */
  readonly tried: boolean;
  /** Ends with a line break. */
  readonly text: string;
};

type Row = Omit<Snippet, "language" | "text"> & { readonly write: (request: SnippetRequest) => string };

const ROWS: Readonly<Record<SnippetLanguage, Row>> = {
  curl: { title: "curl", fence: "sh", tried: true, write: curl },
  ors: { title: "ORS strategy (SCXML)", fence: "xml", tried: false, write: ors },
  gvp: { title: "GVP application (VoiceXML)", fence: "xml", tried: false, write: gvp },
  java: { title: "Java 17", fence: "java", tried: true, write: java },
  csharp: { title: "C# (.NET 8)", fence: "csharp", tried: false, write: csharp },
  python: { title: "Python 3", fence: "python", tried: true, write: python },
  typescript: { title: "TypeScript (ocs-gateway/client)", fence: "ts", tried: true, write: typescript },
};

export const SNIPPET_LANGUAGES = Object.keys(ROWS) as readonly SnippetLanguage[];

/** VoiceXML cannot read OCS's JSON. */
const canSend = (language: SnippetLanguage, { method }: Action): boolean => language !== "gvp" || method === "POST";

/** `request`: by default one that the sandbox answers with 200. */
export const snippetsOf = (action: Action, request: SnippetRequest = sampleOf(action)): readonly Snippet[] =>
  SNIPPET_LANGUAGES.filter((language) => canSend(language, action)).map((language) => {
    const { write, ...row } = ROWS[language];
    return { language, ...row, text: write(request) };
  });
