/** What a reader of OCS's language objects to: the rule that is broken, and the whole Violation where more is asked. */
import { Violation, type Rule } from "../../src/ocs/violation.ts";

export const violation = (read: () => unknown): Violation | undefined => {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
};

export const ruleBrokenBy = (read: () => unknown): Rule | "none" => violation(read)?.rule ?? "none";
