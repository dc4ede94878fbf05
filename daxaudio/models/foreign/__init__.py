"""Classifiers of other people: files, folders, services and functions, asked as they are."""
