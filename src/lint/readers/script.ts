/** Sources of JavaScript, TypeScript, Java and C#. */
import { knownText, NOTHING, type Reading, type Secret } from "../calls.ts";
import { parseCFamily } from "../script/c-family/parser.ts";
import { Evaluator } from "../script/evaluate.ts";
import { findCalls, type Program } from "../script/find-calls.ts";
import { calleeName, nodesIn, walk } from "../script/node.ts";
import { parseProgram, type Dialect, type Parsed } from "../script/parse-ecmascript.ts";
import { Scope } from "../script/scope.ts";
import type { Reader, Source } from "./reader.ts";

export const readEcmascript =
  (dialect: Dialect): Reader =>
  (source) =>
    readParsed(source, parseProgram(source.text, dialect));

export const readCFamily: Reader = (source) => readParsed(source, parseCFamily(source.text));

const readParsed = ({ text, isKnownAddress }: Source, parsed: Parsed): Reading => {
  if ("fault" in parsed) return { ...NOTHING, faults: [parsed.fault] };
  const scope = new Scope();
  scope.add(parsed.tree);
  return readProgram({
    tree: parsed.tree,
    text,
    evaluator: new Evaluator(scope),
    isKnownAddress,
    budget: { looked: 0 },
  });
};

export const readProgram = (program: Program): Reading => ({
  ...NOTHING,
  ...findCalls(program),
  secrets: encodedSecrets(program),
});

/** `btoa("user:password")`, and what Java and C# call it. */
const ENCODES = /^(?:btoa|encodeToString|ToBase64String|encodeBase64String|Basic|basic|BasicAuthentication)$/;

const encodedSecrets = ({ tree, evaluator }: Program): readonly Secret[] => {
  const found: Secret[] = [];
  for (const { node, above } of walk(tree)) {
    if (node.type !== "CallExpression" || !ENCODES.test(calleeName(node) ?? "")) continue;
    for (const given of nodesIn(node, "arguments")) {
      const written = knownText(evaluator.value(given, above));
      if (written === undefined || !/^[^:\s]+:[^\s]+$/.test(written)) continue;
      found.push({ at: given.start, end: given.end, what: "a user and a password" });
    }
  }
  return found;
};
