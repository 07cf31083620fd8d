// Written with this module's first code.
