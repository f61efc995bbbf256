/** A `T` for which other values of type `T` cannot stand in without a cast (term and index, say). */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };
