/** Ends a transaction so that nothing of it stays, with an answer. */
class Refused extends Error {
  constructor(readonly result: unknown) {
    super('refused');
  }
}

/** Work that ends early by `refuse` has written nothing; what it was given is the answer. */
export async function unlessRefused<T>(
  work: (refuse: (result: T) => never) => Promise<T>,
): Promise<T> {
  const refuse = (result: T): never => {
    throw new Refused(result);
  };
  try {
    return await work(refuse);
  } catch (error) {
    if (error instanceof Refused) return error.result as T;
    throw error;
  }
}
