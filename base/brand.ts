/** A `T` for which no other `T` stands in without a cast (a term for an index, say). */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };
