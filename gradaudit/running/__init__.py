"""One whole run: opened, audited case by case, recorded, and gone on with where it was cut off."""
