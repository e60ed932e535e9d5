/** The folder of hostile inputs, beside the checkout. Tests that need it are skipped by name where it is missing. */
export const CORPORA = new URL("../../../shared/corpora/", import.meta.url);
