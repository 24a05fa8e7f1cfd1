// Placeholder: the first source file of this module replaces it.
