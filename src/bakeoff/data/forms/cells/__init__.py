"""How cells of a text file are read: the forms of numbers, dates and missing values, decided column by column."""
