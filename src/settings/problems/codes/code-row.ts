/** `what`: one sentence without a full stop. `help`: what to do. */
export type CodeRow = { readonly what: string; readonly help: string };
