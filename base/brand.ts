/** A `T` that other values of type `T` cannot stand in for without a cast (a term for an index, say). */
export type Brand<T, Name extends string> = T & { readonly __brand: Name };
