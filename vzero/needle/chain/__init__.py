"""The world `chain`: several small places to find and read before an answer can be given."""
