import { ControlError } from "./error.ts";

/** The members of a JSON object. Throws ControlError when it has a member that is not in `names`. */
export const fields = <Name extends string>(body: unknown, names: readonly Name[]): Partial<Record<Name, unknown>> => {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new ControlError(400, "expected a JSON object");
  const other = Object.keys(body).some((key) => !(names as readonly string[]).includes(key));
  if (other) throw new ControlError(400, `unknown member; allowed: ${names.join(", ")}`);
  return body as Partial<Record<Name, unknown>>;
};
