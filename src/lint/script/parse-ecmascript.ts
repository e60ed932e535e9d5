/** Parses ECMAScript and TypeScript to syntax trees. Nothing of the program is run. */
import { tsPlugin } from "@sveltejs/acorn-typescript";
import { Parser, type Options } from "acorn";
import type { Fault } from "../calls.ts";
import type { Node } from "./node.ts";
import { withoutTypes } from "./strip-types.ts";

export type Dialect = "javascript" | "typescript" | "jsx" | "tsx";
export type Parsed = { readonly tree: Node } | { readonly fault: Fault };

const LENIENT = {
  ecmaVersion: "latest",
  allowReturnOutsideFunction: true,
  allowImportExportEverywhere: true,
  allowAwaitOutsideFunction: true,
  allowSuperOutsideMethod: true,
  allowHashBang: true,
} as const satisfies Options;

/**
 * What the plugin refuses and compilers accept: type parameters of arrow functions in .tsx, exports of names that only
 * types have.
 */
const ACCEPTED = /reserved in files with the \.mts|^Export '.*' is not defined/;

type Raises = new (...given: any[]) => { raise(at: number, message: string): never };

const forgiving = (Base: typeof Parser): typeof Parser =>
  class extends (Base as unknown as Raises) {
    override raise(at: number, message: string): never {
      if (!ACCEPTED.test(message)) super.raise(at, message);
      return undefined as never;
    }
  } as unknown as typeof Parser;

const typescript = Parser.extend(tsPlugin(), forgiving);
const tsx = Parser.extend(tsPlugin({ jsx: {} }), forgiving);
const PARSERS = { javascript: Parser, typescript, jsx: tsx, tsx } as const;

/** A whole program: as a module, or where that fails as a script. */
export const parseProgram = (text: string, dialect: Dialect): Parsed => {
  const parser = PARSERS[dialect];
  const asModule = attempt(() => parser.parse(text, { ...LENIENT, sourceType: "module", locations: true }));
  if ("tree" in asModule || dialect === "jsx" || dialect === "tsx") return asModule;
  if (dialect === "typescript") return parseStripped(text) ?? asModule;
  const asScript = attempt(() => parser.parse(text, { ...LENIENT, sourceType: "script" }));
  return "tree" in asScript ? asScript : asModule;
};

const parseStripped = (text: string): Parsed | undefined => {
  const stripped = withoutTypes(text);
  const parsed = stripped === undefined ? undefined : parseProgram(stripped, "javascript");
  return parsed && "tree" in parsed ? parsed : undefined;
};

/** One expression, for example the value of an attribute, with nothing behind it. */
export const parseExpression = (text: string): Parsed => {
  const parsed = attempt(() => Parser.parseExpressionAt(text, 0, LENIENT));
  if (!("tree" in parsed)) return parsed;
  const behind = text.slice(parsed.tree.end).search(/[^\s;)]/);
  return behind < 0 ? parsed : { fault: { at: parsed.tree.end + behind, message: "unexpected text" } };
};

const attempt = (parse: () => unknown): Parsed => {
  try {
    return { tree: parse() as Node };
  } catch (error) {
    if (error instanceof RangeError) return { fault: { at: 0, message: "expressions nested too deeply" } };
    if (!(error instanceof SyntaxError)) throw error;
    const at = (error as { readonly pos?: number }).pos ?? 0;
    return { fault: { at, message: error.message.replace(/ \(\d+:\d+\)$/, "").replace(/^./, (c) => c.toLowerCase()) } };
  }
};
