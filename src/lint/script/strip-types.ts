/**
 * TypeScript without its types, as Node strips them: each type becomes blanks, so that offsets stay. For what the
 * parser of TypeScript does not know; Node in turn does not strip enums.
 */
import { stripTypeScriptTypes } from "node:module";

/** Undefined: Node cannot strip it either. */
export const withoutTypes = (text: string): string | undefined => {
  const emitWarning = process.emitWarning.bind(process);
  // Node says once that the function is experimental, in the middle of the findings.
  process.emitWarning = () => undefined;
  try {
    const stripped = stripTypeScriptTypes(text);
    return stripped.length === text.length ? stripped : undefined;
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
};
