/** What an action of OCS is here: a request against the world, answered or refused. */
import type { Attributes } from "../../ocs/body.ts";
import type { AttributeName } from "../../ocs/attributes.ts";
import type { Action } from "../../ocs/catalog.ts";
import type { World } from "../world.ts";

export type Request = {
  readonly action: Action;
  /** Decoded, of the grammar of its kind; undefined when a resource is read as a whole. */
  readonly identifier: string | undefined;
  readonly attributes: Attributes;
};

/** A 200: with a body for the GETs, with none for every POST. */
export type Answer = { readonly body?: object };

/** Throws Refusal. */
export type Act = (world: World, request: Request) => Answer;

export const DONE: Answer = {};

/** An attribute that ocs/body.ts has read as an integer. */
export const integerIn = (attributes: Attributes, name: AttributeName): number | undefined => {
  const value = attributes.get(name);
  return typeof value === "number" ? value : undefined;
};

/** An attribute that ocs/body.ts has read as a string. */
export const textIn = (attributes: Attributes, name: AttributeName): string | undefined => {
  const value = attributes.get(name);
  return typeof value === "string" ? value : undefined;
};
